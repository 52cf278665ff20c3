"""A language model served through an OpenAI-compatible API, for generation tasks."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request

from ..harness import UserError, register_model

KEY = "ARCHARENA_API_KEY"
"""Environment variable with the server's API key, if it requires one."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuse redirects: they would send the API key to another address."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


@register_model(
    "served",
    summary="A language model with an OpenAI-compatible API, set by --set served.url=http://HOST:PORT/v1.",
    family="pretrained",
    on_request=True,
    requires=("url",),
)
class Served:
    """Requests completions from a server; not trained here, so it supports only generation tasks.

    Parameters
    ----------
    url
        The address including the API version, such as ``http://127.0.0.1:8000/v1``.
    name
        The model's name on that server.
    timeout
        Timeout per request in seconds.

    Raises
    ------
    UserError
        If no HTTP address is given.
    """

    bounds = {"timeout": (0.01, 1e6)}

    def __init__(self, *, url: str = "", name: str = "default", timeout: float = 600.0):
        if not url.startswith(("http://", "https://")):
            raise UserError(
                f"Model 'served' needs an address, found '{url}': use --set served.url=http://HOST:PORT/v1."
            )
        self.url, self.name, self.timeout = url.rstrip("/") + "/completions", name, timeout

    def generate(
        self,
        prompts: list[str],
        *,
        samples: int,
        max_new_tokens: int,
        temperature: float,
        stop: str | None,
        seed: int,
    ) -> list[list[str]]:
        """Return `samples` continuations of each prompt; see `archarena.harness.contract.model.Generator`.

        Raises
        ------
        UserError
            If the server does not answer, or its answer is not a list of completions.
        """
        asked = {"model": self.name, "n": samples, "max_tokens": max_new_tokens, "temperature": temperature}
        asked |= {"stop": [stop]} if stop else {}
        return [
            self._complete(asked | {"prompt": prompt, "seed": (seed + index) % 2**31})
            for index, prompt in enumerate(prompts)
        ]

    def _complete(self, asked: dict) -> list[str]:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self.url, json.dumps(asked).encode(), headers)
        try:
            with _OPENER.open(request, timeout=self.timeout) as response:
                choices = json.load(response)["choices"]
            return [choice["text"] for choice in sorted(choices, key=lambda choice: choice.get("index", 0))]
        except urllib.error.HTTPError as error:
            where = f" to {error.headers['Location']}, which is not followed" if error.code // 100 == 3 else ""
            raise UserError(f"The server at {self.url} answered with status {error.code}{where}.") from None
        except (OSError, urllib.error.URLError) as error:
            raise UserError(f"The server at {self.url} did not answer: {error}.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"The server at {self.url} did not return completions: {error!r}.") from None
