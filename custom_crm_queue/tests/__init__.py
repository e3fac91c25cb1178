from . import test_crm_billing_run
from . import test_crm_invoice_mailing
