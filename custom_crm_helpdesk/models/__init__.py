from . import crm_contract
from . import helpdesk_ticket
from . import res_partner
