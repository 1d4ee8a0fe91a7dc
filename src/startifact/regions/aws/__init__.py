"""Regions on AWS, and on stores that speak S3. boto3 and botocore are imported only here."""
