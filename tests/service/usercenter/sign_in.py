"""Signing in by password, as a client does."""

import httpx

REGISTER, LOGIN = "/usercenter/v1/user/register", "/usercenter/v1/user/login"
PASSWORD = "correct horse"


async def register(http: httpx.AsyncClient, mobile: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return await http.post(REGISTER, json={"mobile": mobile, "password": password}, headers=headers)


async def login(http: httpx.AsyncClient, mobile: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post(LOGIN, json={"mobile": mobile, "password": password})


async def refresh(http: httpx.AsyncClient, signed_in: httpx.Response) -> httpx.Response:
    body = {"refreshToken": signed_in.json()["data"]["refreshToken"]}
    return await http.post("/usercenter/v1/user/refreshToken", json=body)


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": "Bearer " + answer.json()["data"]["accessToken"]}
