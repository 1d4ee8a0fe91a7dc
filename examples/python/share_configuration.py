"""Read the organisation configuration once, and share it between sessions."""

from startifact import ConfigurationLoader, Session

loader = ConfigurationLoader()
configuration = loader.load("us-east-1")
print(f"regions: {', '.join(configuration.regions)}")

for region in configuration.regions:
    session = Session(regions=[region], configuration_loader=loader)
    print(f"{region}: {session.get('SugarWater', '1.0.9000').version}")
