from . import test_crm_billing_run
