from . import crm_payment_plan_report
from . import crm_receivable_report
