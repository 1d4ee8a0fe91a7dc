"""Say where an artifact is, for CloudFormation, Terraform or Lambda."""

from startifact import Session

downloader = Session().get("SugarWater", "1.0.9000").downloader
print(f"region={downloader.region} bucket={downloader.bucket} key={downloader.key}")
