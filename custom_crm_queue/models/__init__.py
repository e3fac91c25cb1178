from . import crm_billing_run
from . import crm_invoice_mailing
