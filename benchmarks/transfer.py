"""What a program that uses boto3 itself takes: one object, put or got.

python transfer.py put|upload|download|client classic|crt ENDPOINT BUCKET KEY FILE
"""

import sys

import boto3
from boto3.s3.transfer import TransferConfig

what, how, endpoint, bucket, key, path = sys.argv[1:]
s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
config = TransferConfig(preferred_transfer_client=how)
if what == "put":
    with open(path, "rb") as file:
        s3.put_object(Bucket=bucket, Key=key, Body=file.read())
elif what == "upload":
    s3.upload_file(path, bucket, key, Config=config)
elif what == "download":
    s3.download_file(bucket, key, path, Config=config)
