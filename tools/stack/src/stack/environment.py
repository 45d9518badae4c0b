"""The settings of every service and sidecar, the secret stores' files and stack.env, made of layout and vault."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from stack import authority, kafka_admin
from stack.children import MARK
from stack.databases import own_database_url, own_owner_url
from stack.kafka_admin import Broker
from stack.layout import DATABASES, Layout
from stack.seats import Seat
from stack.setup import jaeger
from stack.vault import PEOPLE, Vault, write_private
from stack.wechat import ARRIVAL_TEMPLATE, PAID_TEMPLATE, REFUND_ASKED_TEMPLATE, REFUNDED_TEMPLATE, Merchant

CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxPayCallback"
SEED_SECRETS = "USERCENTER_SEED_SECRETS_FILE"
REFUND_CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxRefundCallback"
# Names that `stack.env` gives out: someone who sources it and runs `make up` again does not set a service with them.
GIVEN_OUT = ("_URL", "_DATABASE_URL", "_OWNER_DATABASE_URL", "_DAPR_HTTP_PORT", "_DAPR_GRPC_PORT")


@dataclass(frozen=True)
class External:
    """What the caller brings along instead of our own PostgreSQL and Kafka. A database without an owner's URL of its own is
    migrated by the role that works in it."""

    databases: dict[str, str] = field(default_factory=dict)
    brokers: str = ""
    owners: dict[str, str] = field(default_factory=dict)


def external(layout: Layout, vault: Vault, env: Mapping[str, str]) -> External:
    """What the environment names, unless it names our own (a sourced stack.env)."""

    def given(variable: str, ours: Callable[[Layout, Vault, str], str]) -> dict[str, str]:
        urls = {name: env.get(f"{name.upper()}_{variable}", "") for name in DATABASES}
        return {name: url for name, url in urls.items() if url and url != ours(layout, vault, name)}

    brokers = env.get("KAFKA_BROKERS", "")
    return External(
        given("DATABASE_URL", own_database_url),
        "" if brokers == own_brokers(layout) else brokers,
        given("OWNER_DATABASE_URL", own_owner_url),
    )


def own_brokers(layout: Layout) -> str:
    return f"127.0.0.1:{layout.port('kafka')}"


def dotenv(values: Mapping[str, object]) -> str:
    """NAME=value lines that any shell sources unchanged."""
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())


def fingerprint(values: Mapping[str, object]) -> str:
    return hashlib.sha256(dotenv(values).encode()).hexdigest()


@dataclass(frozen=True)
class Environment:
    layout: Layout
    vault: Vault
    merchant: Merchant
    outside: External
    caller: Mapping[str, str]

    @property
    def broker(self) -> Broker:
        """Our own Kafka asks for passwords; one that the caller brings is taken as it is, without."""
        if self.outside.brokers:
            return Broker(self.outside.brokers)
        return Broker(own_brokers(self.layout), self.vault.token("kafka-admin-password"))

    def kafka_passwords(self) -> dict[str, str]:
        """By service that publishes or reads, and user name."""
        return {name: self.vault.token(f"kafka-{name}-password") for name in self._kafka_rights}

    @cached_property
    def _kafka_rights(self) -> dict[str, kafka_admin.Rights]:
        """Read once: every sidecar asks for its password by it."""
        found = kafka_admin.rights(self.layout.contract)
        ours = kafka_admin.topics(self.layout.contract)
        for seat in self.layout.seats:
            found |= kafka_admin.rights_of_seat(seat.app, seat.contract, ours)
        return found

    def set_up_kafka(self) -> None:
        """Topics, users and rights, as far as they are missing. Raises StackError."""
        topics = kafka_admin.topics(self.layout.contract)
        for seat in self.layout.seats:
            topics |= kafka_admin.topics(seat.contract)
        kafka_admin.create_topics(self.broker, topics)
        if self.broker.password:
            kafka_admin.grant(self.broker, self._kafka_rights, self.kafka_passwords())

    def database_url(self, service: str) -> str:
        return self.outside.databases.get(service) or own_database_url(self.layout, self.vault, service)

    def owner_url(self, service: str) -> str:
        outside = self.outside
        if service in outside.databases:
            return outside.owners.get(service) or outside.databases[service]
        return own_owner_url(self.layout, self.vault, service)

    def migration(self, service: str) -> dict[str, str]:
        """What `python -m <service> migrate` is told beside what its app is."""
        role = urlsplit(self.database_url(service)).username or ""
        prefix = service.upper()
        return {f"{prefix}_OWNER_DATABASE_URL": self.owner_url(service), f"{prefix}_DATABASE_ROLE": role}

    def seed(self, service: str) -> dict[str, str]:
        """What `python -m <service> seed` is told beside what its app is: the app itself knows no password of the demo."""
        return (self._seeds() if service == "usercenter" else {}) | {
            key: value for key, value in self.caller.items() if key.startswith(f"{service.upper()}_SEED_")
        }

    def service(self, name: str) -> dict[str, str]:
        """What one app is told, besides the ports, which come from dapr.yaml."""
        prefix = name.upper()
        values = self._tokens(name) | {"LOG_FORMAT": self.caller.get("LOG_FORMAT") or "console"} | self._traces()
        if level := self.caller.get("LOG_LEVEL"):
            values["LOG_LEVEL"] = level
        values[f"{prefix}_REQUESTS_PER_USER"] = ""  # one buyer makes all requests of a bench or a test
        if name in DATABASES:
            values[f"{prefix}_DATABASE_URL"] = self.database_url(name)
        if name in self._seats():
            values[f"{prefix}_DIR"] = str(self.layout.run / name)  # files of its own
        values |= self._own_settings().get(name, {})
        passed_on = {
            key: value
            for key, value in self.caller.items()
            if key.startswith(f"{prefix}_")
            and not key.startswith(f"{prefix}_SEED_")
            and not any(key == prefix + suffix for suffix in GIVEN_OUT)
        }
        return values | passed_on

    def _seats(self) -> dict[str, Seat]:
        return {seat.app: seat for seat in self.layout.seats}

    def _tokens(self, name: str) -> dict[str, str]:
        return {
            "APP_API_TOKEN": self.vault.token(f"{name}-app-token"),
            "DAPR_API_TOKEN": self.vault.token(f"{name}-dapr-token"),
            "DELIVERY_TOKEN": self.vault.token(f"{name}-delivery-token"),
        }

    def _traces(self) -> dict[str, str]:
        """Where spans go, if anywhere: with OBS=1 to our own Jaeger, each second. stack.env does not say so: who sources
        that and starts again may leave OBS=1 out."""
        if self.layout.is_observed:
            return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.layout.url("jaeger-otlp"), "OTEL_BSP_SCHEDULE_DELAY": "1000"}
        caller = self.caller.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": caller} if caller else {}

    def _trace_pages(self) -> dict[str, str]:
        """With OBS=1 the console links traces to Jaeger, if it has pages."""
        linked = self.layout.is_observed and jaeger.has_pages(self.layout.repo)
        return {"GATEWAY_JAEGER_URL": self.layout.url("jaeger")} if linked else {}

    def _own_settings(self) -> dict[str, dict[str, str]]:
        sim, gateway, merchant = self.layout.url("wechatsim"), self.layout.url("gateway"), self.merchant
        callbacks = self.layout.url(self.layout.before(self.layout.callbacks_to))
        return {
            "travel": {"TRAVEL_CALENDARS_ALLOW_LOCAL": "1"},
            "gateway": {"GATEWAY_PUBLIC_URL": gateway, "GATEWAY_CASHIER_URL": f"{sim}/cashier", "GATEWAY_DEMO": "1"}
            | self._trace_pages(),
            "usercenter": {
                "USERCENTER_WXMA_BASE_URL": sim,
                "USERCENTER_WXMA_APPID": merchant["appid"],
                "MALLOC_MMAP_THRESHOLD_": str(1 << 20),  # or each thread keeps the 19 MiB of its last password hash
            },
            "payment": {
                "PAYMENT_WXPAY_BASE_URL": sim,
                "PAYMENT_WXPAY_MCHID": merchant["mchid"],
                "PAYMENT_WXPAY_APPID": merchant["appid"],
                "PAYMENT_WXPAY_MCH_SERIAL": merchant["merchant_serial"],
                "PAYMENT_WXPAY_NOTIFY_URL": callbacks + CALLBACK,
                "PAYMENT_WXPAY_REFUND_NOTIFY_URL": callbacks + REFUND_CALLBACK,
                "PAYMENT_WXPAY_PUBLIC_KEY_ID": merchant["public_key_id"],
            },
            "notification": {
                "NOTIFICATION_WXMA_BASE_URL": sim,
                "NOTIFICATION_WXMA_APPID": merchant["appid"],
                "NOTIFICATION_TEMPLATE_PAID": merchant.template(PAID_TEMPLATE),
                "NOTIFICATION_TEMPLATE_ARRIVAL": merchant.template(ARRIVAL_TEMPLATE),
                "NOTIFICATION_TEMPLATE_REFUNDED": merchant.template(REFUNDED_TEMPLATE),
                "NOTIFICATION_TEMPLATE_REFUND_ASKED": merchant.template(REFUND_ASKED_TEMPLATE),
                "NOTIFICATION_WXMA_STATE": "developer",
            },
        }

    def _seeds(self) -> dict[str, str]:
        seeds = {
            f"USERCENTER_SEED_{role.upper()}_OPENID": self.vault.person(role).openid for role in ("buyer", "merchant")
        }
        for role in PEOPLE:
            person = self.vault.person(role)
            seeds[f"USERCENTER_SEED_{role.upper()}_MOBILE"] = person.mobile
            seeds[f"USERCENTER_SEED_{role.upper()}_PASSWORD"] = person.password
        seeds["USERCENTER_SEED_OPERATOR_TOTP_SECRET"] = self.vault.totp_secret("operator")
        seeds[SEED_SECRETS] = str(self.layout.run / "secrets" / "usercenter.json")
        return seeds

    def secrets(self, name: str) -> dict[str, str]:
        """What an app reads from its own sidecar's secret store, under its own name."""
        merchant = self.merchant
        held = {
            "usercenter": {
                "jwt-private-key": self.vault.jwt_key(),
                "totp-key": self.vault.sealing_key("totp-key"),
                "wxma-secret": merchant["app_secret"],
            },
            "notification": {"wxma-secret": merchant["app_secret"]},
            "payment": {
                "wxpay-mch-private-key": merchant.file("merchant_key").read_text(),
                "wxpay-apiv3-key": merchant["apiv3_key"],
                "wxpay-public-key": merchant.file("public_key").read_text(),
            },
        }
        return held.get(name, {})

    def sidecar(self, name: str) -> dict[str, str]:
        values = self._tokens(name) | {"MINSU_SECRETS_FILE": str(self.layout.run / "secrets" / f"{name}.json")}
        if password := self.kafka_passwords().get(name):
            values["KAFKA_PASSWORD"] = password
        if self._traces():
            values["OTEL_SERVICE_NAME"] = f"{name}-daprd"  # its spans beside the app's, not among them
        if "sentry" in self.layout.ports:
            values["DAPR_SENTRY_TOKEN_FILE"] = str(self.layout.run / "secrets" / f"{name}.jwt")
            if seat := self._seats().get(name):
                values["MINSU_ACCESS"] = str(seat.access)
        return values

    def sidecars(self) -> dict[str, str]:
        values = {
            "KAFKA_BROKERS": self.broker.address,
            "KAFKA_AUTH_TYPE": "password" if self.broker.password else "none",
            "PHOTOS_DIR": str(self.layout.run / "photos"),
            "SMS_URL": f"{self.layout.url('wechatsim')}/_sim/sms",
            "MINSU_NAME_RESOLUTION_DB": str(self.layout.run / "state" / "names.db"),
            "DAPR_HOST_IP": "127.0.0.1",
        }
        if level := self.caller.get("DAPRD_LOG_LEVEL"):
            values["DAPRD_LOG_LEVEL"] = level
        return values | self._traces_of_sidecars() | self._identity()

    def _traces_of_sidecars(self) -> dict[str, str]:
        """What dapr/config.yaml and daprd itself read. A share of 0 turns its traces off."""
        if not (traces := self._traces()):
            return {"OTEL_TRACES_SAMPLER_ARG": "0"}
        return traces | {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_INSECURE": str(traces["OTEL_EXPORTER_OTLP_ENDPOINT"].startswith("http://")).lower(),
            "OTEL_TRACES_SAMPLER_ARG": self.caller.get("OTEL_TRACES_SAMPLER_ARG") or "1",
        }

    def _identity(self) -> dict[str, str]:
        """With MTLS=1: the wrapper turns it into flags, and reads the authority's certificate itself."""
        if "sentry" not in self.layout.ports:
            return {}
        return {
            "MINSU_SENTRY": f"127.0.0.1:{self.layout.port('sentry')}",
            "MINSU_TRUST_ANCHORS_FILE": str(self.layout.run / "sentry" / authority.ROOT),
            "MINSU_ACCESS": str(self.layout.repo / "dapr" / "access"),
            "NAMESPACE": authority.NAMESPACE,
        }

    def stack(self) -> dict[str, str]:
        """stack.env: what a script or a test needs to use the running system."""
        layout, merchant = self.layout, self.merchant
        platform = (
            (merchant.file("platform_cert"), merchant["platform_serial"], merchant.file("platform_key"))
            if merchant["key_mode"] == "cert"
            else (merchant.file("public_key"), merchant["public_key_id"], merchant.file("public_key_private"))
        )
        values = {
            "GATEWAY_URL": layout.url("gateway"),
            "STOREFRONT_URL": layout.url("gateway"),
            "PAYMENT_URL": layout.url("payment"),
            "WECHATSIM_URL": layout.url("wechatsim"),
            "KAFKA_BROKERS": self.broker.address,
            "KAFKA_ADMIN_PASSWORD": self.broker.password,
            "WXPAY_BASE_URL": layout.url("wechatsim"),
            "WXPAY_MCHID": merchant["mchid"],
            "WXPAY_APPID": merchant["appid"],
            "WXPAY_APIV3_KEY": merchant["apiv3_key"],
            "WXPAY_MCH_SERIAL": merchant["merchant_serial"],
            "WXPAY_MCH_PRIVATE_KEY_FILE": str(merchant.file("merchant_key")),
            "WXPAY_PLATFORM_CERT_OR_PUBKEY_FILE": str(platform[0]),
            "WXPAY_PLATFORM_SERIAL": platform[1],
            "WXPAY_PLATFORM_PRIVATE_KEY_FILE": str(platform[2]),
            "WXPAY_NOTIFY_URL": layout.url("gateway") + CALLBACK,
            "WXPAY_OPENID": self.vault.person("buyer").openid,
            "MERCHANT_OPENID": self.vault.person("merchant").openid,
            "WXMA_BASE_URL": layout.url("wechatsim"),
            "WXMA_APPID": merchant["appid"],
            "WXMA_SECRET": merchant["app_secret"],
        }
        if layout.is_observed:
            places = {"JAEGER_URL": "jaeger", "JAEGER_OTLP_URL": "jaeger-otlp", "PROMETHEUS_URL": "prometheus"}
            values |= {name: layout.url(place) for name, place in places.items()}
        if layout.is_recorded:
            values["RECORDER_URL"] = layout.url("recorder")
        for role in PEOPLE:
            person = self.vault.person(role)
            values |= {f"{role.upper()}_MOBILE": person.mobile, f"{role.upper()}_PASSWORD": person.password}
        values["OPERATOR_TOTP_SECRET"] = self.vault.totp_secret("operator")
        values["MINSU_SESSION_FILE"] = str(layout.run / "state" / "minsu-session.json")
        for name in layout.services:
            prefix = name.upper()
            if name in DATABASES:
                values[f"{prefix}_DATABASE_URL"] = self.database_url(name)
                values[f"{prefix}_OWNER_DATABASE_URL"] = self.owner_url(name)
            values[f"{prefix}_URL"] = layout.url(name)
            values[f"{prefix}_DAPR_HTTP_PORT"] = str(layout.port(f"{name}-dapr-http"))
            values[f"{prefix}_DAPR_GRPC_PORT"] = str(layout.port(f"{name}-dapr-grpc"))
        return values

    def write(self) -> None:
        run = self.layout.run
        if "sentry" in self.layout.ports:
            authority.make(run / "sentry")
        write_private(run / "env" / "daprd.env", dotenv(self.sidecars()))
        for name in self.layout.services:
            write_private(run / "env" / f"{name}.env", dotenv(self.service(name)))
            write_private(run / "env" / f"{name}-daprd.env", dotenv(self.sidecar(name)))
            if "sentry" in self.layout.ports:
                write_private(run / "secrets" / f"{name}.jwt", authority.token(run / "sentry", name))
            write_private(run / "secrets" / f"{name}.json", json.dumps({name: self.secrets(name)}, indent=1) + "\n")
        write_private(run / "stack.env", dotenv(self.stack()))


def inherited() -> dict[str, str]:
    """What every process gets from ours: nothing that names a service, a token or another environment."""
    kept = (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "SSL_CERT_FILE",
        "JAVA_HOME",
        MARK,
    )
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or (name.startswith("OTEL_") and name != "OTEL_SERVICE_NAME")
    }
