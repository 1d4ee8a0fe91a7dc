"""The action: a step of a GitHub workflow that stages, downloads or looks up an artifact."""
