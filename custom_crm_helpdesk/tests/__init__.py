from . import test_helpdesk_ticket
from . import test_requests_tour
