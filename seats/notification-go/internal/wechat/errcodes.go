// Package wechat sends subscribe messages: the API's error codes, the access token, and one send.
package wechat

import "github.com/minsu/minsu/seats/notification-go/internal/metrics"

// fault says who has to act.
type fault int

const (
	faultWeChat fault = iota // busy, over a quota, or failing: the same request may succeed later
	faultUser                // the user refuses: neither a retry nor a correction helps
	faultOurs                // the same request is always rejected, a corrected one is not
	faultToken               // the access token is not valid: nothing was done, retry with a new token
)

// meaning of an error code. Cause is the name in the metric, and what operators select messages by.
type meaning struct {
	fault fault
	cause string
}

const codeOK = 0

// errcodes come as HTTP 200 with errcode. Sources: the documentation of subscribeMessage.send and getStableAccessToken
// (developers.weixin.qq.com, 服务端接口), and Tencent Cloud's list of the same codes (document 1219/67648). A code that is not
// listed counts as an error of WeChat and is retried. The same table: apps/notification/src/notification/wechat/errcodes.py.
var errcodes = map[int32]meaning{
	// subscribe/send
	43101: {faultUser, "user-refused"},      // the user does not accept this message, or accepted it once only
	40003: {faultOurs, "invalid-openid"},    // touser is empty, or not an openid of this mini program
	40037: {faultOurs, "invalid-template"},  // template_id is not one of this mini program
	41030: {faultOurs, "invalid-page"},      // page does not exist in the mini program
	47003: {faultOurs, "invalid-argument"},  // a value of data, miniprogram_state or lang does not fit
	43107: {faultOurs, "messages-banned"},   // WeChat banned this mini program or template from sending
	45168: {faultOurs, "sensitive-content"}, // a value holds a term that WeChat does not deliver
	40038: {faultWeChat, "busy"},            // more messages of a long-term template than a day allows
	43108: {faultWeChat, "busy"},            // another message to the same user was being sent
	// any call
	-1:    {faultWeChat, "busy"}, // system error or busy
	45009: {faultWeChat, "busy"}, // the daily quota of this API is used up
	45011: {faultWeChat, "busy"}, // too many calls in this minute
	40001: {faultToken, "stale-token"},
	40014: {faultToken, "stale-token"},
	42001: {faultToken, "stale-token"},
	// stable_token
	40002: {faultOurs, "invalid-account"}, // grant_type is wrong
	40013: {faultOurs, "invalid-account"}, // appid is wrong
	40125: {faultOurs, "invalid-account"}, // the mini program's secret is wrong
	40164: {faultOurs, "invalid-account"}, // our address is not in the mini program's list of allowed ones
	40243: {faultOurs, "invalid-account"}, // the mini program's secret is frozen
	41002: {faultOurs, "invalid-account"}, // appid is missing
	41004: {faultOurs, "invalid-account"}, // the mini program's secret is missing
	50004: {faultOurs, "invalid-account"}, // this account may not call the API
}

// meaningOf counts the code in the metric when the error is ours.
func meaningOf(code int32, m *metrics.Metrics) meaning {
	found, ok := errcodes[code]
	if !ok {
		return meaning{faultWeChat, "unknown-errcode"}
	}
	if found.fault == faultOurs {
		m.Rejections.WithLabelValues(found.cause).Inc()
	}
	return found
}

// CountFromZero makes the series of our own errors, so that an alert on the increase sees the first one.
func CountFromZero(m *metrics.Metrics) {
	for _, each := range errcodes {
		if each.fault == faultOurs {
			m.Rejections.WithLabelValues(each.cause)
		}
	}
}
