"""Regions on AWS, and on stores that speak S3. Only here are boto3 and botocore imported."""
