ARG BASE=python:3.13-slim

FROM ${BASE} AS build

# No pip in there: nothing is installed into the environment once the image is built.
RUN python -m venv --without-pip /opt/startifact

COPY requirements/image.txt /build/
RUN pip --python /opt/startifact/bin/python install \
      --require-hashes --no-deps --only-binary :all: --no-compile --no-cache-dir \
      --no-input --disable-pip-version-check --root-user-action ignore \
      --requirement /build/image.txt

# Only these services are ever called; the descriptions of all the others are most of the SDK.
RUN cd /opt/startifact/lib/python*/site-packages \
    && find botocore/data -mindepth 1 -maxdepth 1 -type d \
         ! -name s3 ! -name ssm ! -name sts ! -name sso ! -name sso-oidc \
         -exec rm -rf {} + \
    && rm -rf boto3/data boto3/examples \
    && find . -type d -name tests -prune -exec rm -rf {} +

COPY LICENSE /opt/startifact/
COPY src/startifact /build/startifact
# Compiled here, since the container of each step is new. The time of a file is not looked at.
RUN cp -r /build/startifact /opt/startifact/lib/python*/site-packages/ \
    && /opt/startifact/bin/python -I -m compileall -q -j 0 \
         --invalidation-mode unchecked-hash /opt/startifact/lib

FROM ${BASE}

COPY --from=build /opt/startifact /opt/startifact

# Tells Startifact that what it writes outside the runner's folders is lost.
ENV STARTIFACT_CONTAINER=1

# The runner passes PATH, PYTHONPATH and the like of the job on to the container, and the working
# directory is the workspace: the interpreter is named in full, and isolated from all of them.
# There is no USER and no WORKDIR, because the runner's files could then not be written.
ENTRYPOINT ["/opt/startifact/bin/python", "-I", "-u", "-X", "utf8", "-m", "startifact.action"]
