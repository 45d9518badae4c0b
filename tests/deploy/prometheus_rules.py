"""The rules of deploy/observability, as Prometheus reads them."""

import yaml

from tests.deploy.manifests import REPO

FILES = sorted(REPO.glob("deploy/observability/*.yaml"))
GROUPS = [group for file in FILES for group in yaml.safe_load(file.read_text())["groups"]]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
