"""Endpoints for other services, by Dapr invocation; only this service's own sidecar can reach these paths."""

from fastapi import APIRouter

from servicekit import callers, personal_data_api

CALLERS = {"personalData": {"usercenter"}, "erasePersonalData": {"usercenter"}}
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])
personal_data_api.add_to(router)
