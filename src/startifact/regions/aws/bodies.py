"""How a client sends the bytes of files: in large blocks, and without a digest of them too many."""

from typing import Any

from urllib3.poolmanager import PoolKey


def send_bodies_cheaply(client: Any, block_bytes: int) -> None:
    """Make *client* send bodies *block_bytes* at a time, and hash none of them to sign it.

    urllib3 by itself reads and sends 16 KiB at a time, and the SDK would sign the SHA-256 of each
    body, for which it reads the file once more. The header with our checksum is signed, and the
    store compares it with what arrives; on the way it is TLS that keeps bodies from being changed,
    as for the SDK's own uploads. A profile that says ``payload_signing_enabled`` is obeyed.
    """
    # urllib3 before 2.0 knows no block size of a pool, and refuses it.
    if "key_blocksize" in PoolKey._fields:
        # There is no way to say this to the SDK: see test_botocore.py.
        client._endpoint.http_session._manager.connection_pool_kw["blocksize"] = block_bytes
    config = client.meta.config
    config.s3 = {"payload_signing_enabled": False} | (config.s3 or {})
