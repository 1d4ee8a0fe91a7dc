"""What a program that uses boto3 itself takes: one object, put or got.

python transfer.py put|upload|download|client classic|crt ENDPOINT BUCKET KEY FILE
"""

import sys
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig


def in_c(session: boto3.Session, endpoint: str) -> Any:
    """Return boto3's transfer manager that is written in C, without TLS and with buckets in paths.

    It is put together as `boto3.crt` does, which offers neither.
    """
    from botocore.config import Config
    from s3transfer import crt

    core = session._session  # boto3 hands it to the same classes
    credentials = crt.BotocoreCRTCredentialsWrapper(session.get_credentials())
    client = crt.create_s3_crt_client(
        session.region_name, credentials.to_crt_credentials_provider(), use_ssl=False
    )
    config = Config(s3={"addressing_style": "path"})
    serializer = crt.BotocoreCRTRequestSerializer(
        core, {"region_name": session.region_name, "endpoint_url": endpoint, "config": config}
    )
    return crt.CRTTransferManager(client, serializer)


what, how, endpoint, bucket, key, path = sys.argv[1:]
session = boto3.Session(region_name="us-east-1")
if how == "crt":
    with in_c(session, endpoint) as manager:
        if what == "upload":
            manager.upload(path, bucket, key).result()
        else:
            manager.download(bucket, key, path).result()
else:
    s3 = session.client("s3", endpoint_url=endpoint)
    config = TransferConfig(preferred_transfer_client="classic")
    if what == "put":
        with open(path, "rb") as file:
            s3.put_object(Bucket=bucket, Key=key, Body=file.read())
    elif what == "upload":
        s3.upload_file(path, bucket, key, Config=config)
    elif what == "download":
        s3.download_file(bucket, key, path, Config=config)
