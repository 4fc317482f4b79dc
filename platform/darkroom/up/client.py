"""How do the first picture and the demonstrations ask for pictures? Like anyone: by the public API, with the key."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0

Body = Mapping[str, Any] | None
Headers = Mapping[str, str]
NONE: Headers = {}


class Refused(Exception):
    """The API answered with an error."""

    def __init__(self, asked: str, status: int, answer: bytes) -> None:
        super().__init__(f"{asked} was answered with {status}: {answer.decode(errors='replace')[:500]}")
        self.status, self.answer = status, answer


class Unreachable(Exception):
    """The web server did not answer."""


class Client:
    """Talks to the web server of this machine under its public name."""

    def __init__(self, port: int, url: str, api_key: str) -> None:
        self.port, self.host = port, urlsplit(url).netloc
        self.authorization = f"Bearer {api_key}"

    def missing(self) -> str:
        """Return what is missing before a picture would be made, empty when nothing is. Raises Refused for a bug."""
        try:
            self._call("GET", "/readyz")
        except Unreachable:
            return "the web server does not answer yet"
        except Refused as refused:
            if refused.status != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return "; ".join(json.loads(refused.answer)["missing"].values())
        return ""

    def request_generation(self, *, headers: Headers = NONE, **fields: Any) -> dict[str, Any]:
        """Ask for pictures and return the accepted job."""
        return self._json("POST", "/api/v1/generations", fields, headers)

    def generation(self, job_id: str) -> dict[str, Any]:
        """Return the job as it stands."""
        return self._json("GET", f"/api/v1/generations/{job_id}")

    def generations(self) -> Iterator[dict[str, Any]]:
        """Yield every job, newest first."""
        page = self._json("GET", "/api/v1/generations?limit=100")
        while page["has_more"]:
            yield from page["data"]
            page = self._json("GET", f"/api/v1/generations?limit=100&after={page['last_id']}")
        yield from page["data"]

    def content(self, image_id: str) -> bytes:
        """Return a picture's file."""
        return self._call("GET", f"/api/v1/images/{image_id}/content")

    def default_side(self) -> int:
        """Return the width that the checkpoint likes best."""
        return int(self._json("GET", "/api/v1/checkpoints")["data"][0]["defaults"]["width"])

    def _json(self, method: str, path: str, body: Body = None, named: Headers = NONE) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._call(method, path, body, named))
        return answer

    def _call(self, method: str, path: str, body: Body = None, named: Headers = NONE) -> bytes:
        headers = {"Host": self.host, "Authorization": self.authorization, "Content-Type": "application/json", **named}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{method} {path} was not answered: {error!r}") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise Refused(f"{method} {path}", response.status, answer)
        return answer
