import socket

from gnathos.api.__main__ import listen


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Asyncio sets TCP_NODELAY only where the socket names its protocol."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        assert accepted.proto == socket.IPPROTO_TCP
        client.close()
        accepted.close()
