from . import test_gost_qr
from . import test_qr_code
