from tests.api.conftest import api, bearer, settings, start_api, token

__all__ = ["api", "bearer", "settings", "start_api", "token"]
