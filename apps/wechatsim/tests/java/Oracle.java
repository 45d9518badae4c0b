import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.RSAAutoCertificateConfig;
import com.wechat.pay.java.core.RSAPublicKeyConfig;
import com.wechat.pay.java.core.exception.ServiceException;
import com.wechat.pay.java.core.exception.WechatPayException;
import com.wechat.pay.java.core.http.DefaultHttpClientBuilder;
import com.wechat.pay.java.core.http.HttpClient;
import com.wechat.pay.java.core.notification.NotificationConfig;
import com.wechat.pay.java.core.notification.NotificationParser;
import com.wechat.pay.java.core.notification.RequestParam;
import com.wechat.pay.java.service.billdownload.BillDownloadServiceExtension;
import com.wechat.pay.java.service.billdownload.model.GetTradeBillRequest;
import com.wechat.pay.java.service.payments.jsapi.JsapiServiceExtension;
import com.wechat.pay.java.service.payments.jsapi.model.CloseOrderRequest;
import com.wechat.pay.java.service.payments.jsapi.model.PrepayRequest;
import com.wechat.pay.java.service.payments.jsapi.model.QueryOrderByOutTradeNoRequest;
import com.wechat.pay.java.service.payments.model.Transaction;
import com.wechat.pay.java.service.refund.RefundService;
import com.wechat.pay.java.service.refund.model.CreateRequest;
import com.wechat.pay.java.service.refund.model.RefundNotification;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;

/**
 * wechatpay-java as a judge: one request as a line of JSON on stdin, its verdict as a line on stdout.
 *
 * <p>{"ok": …} is what the SDK made of a believed answer, {"refused": …} the error it raised for a refusal,
 * {"unbelieved": …} the name of what it raised for anything it does not take for WeChat's. It looks header names up by
 * their exact case.
 */
public class Oracle {
  private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();
  private final JsapiServiceExtension jsapi;
  private final RefundService refunds;
  private final BillDownloadServiceExtension bills;
  private final NotificationParser notifications;
  private final String mchid;

  /** Arguments: the sandbox's URL, the folder of `keys new`, and `cert` or `pubkey`. */
  public static void main(String[] args) throws Exception {
    Oracle oracle = new Oracle(URI.create(args[0]), Path.of(args[1]), args[2]);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String verdict = JSON.toJson(oracle.judge(JsonParser.parseString(line).getAsJsonObject()));
      System.out.write((verdict + "\n").getBytes(StandardCharsets.UTF_8));
      System.out.flush();
    }
    System.exit(0); // the automatic configuration keeps a thread that never ends
  }

  private Oracle(URI sandbox, Path keys, String mode) throws Exception {
    JsonObject ids = JsonParser.parseString(Files.readString(keys.resolve("merchant.json"))).getAsJsonObject();
    OkHttpClient sandboxed = new OkHttpClient.Builder().addInterceptor(chain -> {
      HttpUrl.Builder here = chain.request().url().newBuilder().scheme("http");
      here.host(sandbox.getHost()).port(sandbox.getPort());
      return chain.proceed(chain.request().newBuilder().url(here.build()).build());
    }).build();
    mchid = ids.get("mchid").getAsString();
    String serial = ids.get("merchant_serial").getAsString();
    String apiV3Key = ids.get("apiv3_key").getAsString();
    String key = keys.resolve("apiclient_key.pem").toString();
    Config config;
    if (mode.equals("pubkey")) {
      config = new RSAPublicKeyConfig.Builder().merchantId(mchid).merchantSerialNumber(serial).privateKeyFromPath(key)
          .publicKeyFromPath(keys.resolve("pub_key.pem").toString()).publicKeyId(ids.get("public_key_id").getAsString())
          .apiV3Key(apiV3Key).build();
    } else {
      config = new RSAAutoCertificateConfig.Builder().merchantId(mchid).merchantSerialNumber(serial).privateKeyFromPath(key)
          .apiV3Key(apiV3Key).httpClientBuilder(new DefaultHttpClientBuilder().okHttpClient(sandboxed)).build();
    }
    HttpClient http = new DefaultHttpClientBuilder().config(config).okHttpClient(sandboxed).build();
    jsapi = new JsapiServiceExtension.Builder().config(config).httpClient(http).build();
    refunds = new RefundService.Builder().httpClient(http).build();
    bills = new BillDownloadServiceExtension.Builder().config(config).httpClient(http).build();
    notifications = new NotificationParser((NotificationConfig) config);
  }

  private Map<String, ?> judge(JsonObject asked) throws Exception {
    try {
      return Map.of("ok", answer(asked));
    } catch (ServiceException refusal) {
      return Map.of("refused", Map.of(
          "status", refusal.getHttpStatusCode(), "code", refusal.getErrorCode(), "message", refusal.getErrorMessage()));
    } catch (WechatPayException | IllegalArgumentException disbelief) {
      return Map.of("unbelieved", disbelief.getClass().getSimpleName());
    }
  }

  private Object answer(JsonObject asked) throws Exception {
    switch (asked.get("do").getAsString()) {
      case "prepay":
        return jsapi.prepayWithRequestPayment(JSON.fromJson(asked.get("order"), PrepayRequest.class));
      case "query":
        QueryOrderByOutTradeNoRequest query = new QueryOrderByOutTradeNoRequest();
        query.setMchid(mchid);
        query.setOutTradeNo(asked.get("out_trade_no").getAsString());
        return jsapi.queryOrderByOutTradeNo(query);
      case "close":
        CloseOrderRequest close = new CloseOrderRequest();
        close.setMchid(mchid);
        close.setOutTradeNo(asked.get("out_trade_no").getAsString());
        jsapi.closeOrder(close);
        return "closed";
      case "refund":
        return refunds.create(JSON.fromJson(asked.get("refund"), CreateRequest.class));
      case "bill":
        GetTradeBillRequest day = JSON.fromJson(asked.get("bill"), GetTradeBillRequest.class);
        var bill = bills.getTradeBill(day);
        String text = new String(bill.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return Map.of("lines", text.lines().count(), "hash", bill.verifyHash());
      case "callback":
        JsonObject headers = asked.getAsJsonObject("headers");
        RequestParam sent = new RequestParam.Builder().serialNumber(header(headers, "Wechatpay-Serial"))
            .nonce(header(headers, "Wechatpay-Nonce")).timestamp(header(headers, "Wechatpay-Timestamp"))
            .signature(header(headers, "Wechatpay-Signature")).signType(header(headers, "Wechatpay-Signature-Type"))
            .body(asked.get("body").getAsString()).build();
        return asked.get("refund").getAsBoolean()
            ? notifications.parse(sent, RefundNotification.class)
            : notifications.parse(sent, Transaction.class);
      default:
        throw new UnsupportedOperationException(asked.toString());
    }
  }

  private static String header(JsonObject headers, String name) {
    return headers.has(name) ? headers.get(name).getAsString() : null;
  }
}
