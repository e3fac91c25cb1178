from . import crm_billing_run
