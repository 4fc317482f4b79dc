"""How are pictures kept in S3? Private, under our own keys, and a store that does not answer is given up on soon."""

from typing import Any

from botocore.config import Config

ERRORS = ["botocore.exceptions.BotoCoreError", "botocore.exceptions.ClientError"]


def pictures(bucket: str, endpoint_url: str | None) -> dict[str, Any]:
    """Return Django's description of the storage; credentials are found as boto3 finds them."""
    options = {
        "bucket_name": bucket,
        "endpoint_url": endpoint_url,
        "default_acl": None,
        "file_overwrite": True,
        # boto3 would wait a minute for a connection, longer than a lease lasts.
        "client_config": Config(connect_timeout=3, read_timeout=15, retries={"max_attempts": 2}),
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
