"""What an SMTP session of smtplib tells of the last message, which Odoo passes over."""

import smtplib

END_OF_MESSAGE = b"\r\n.\r\n"


class Watch:
    """Watches a session, so that after a lost connection it is known whether the server may have the message.

    >>> class Session:
    ...     def send(self, data): pass
    ...     def getreply(self): return (250, b"OK")
    ...     def sendmail(self, sender, recipients, message): return {"b@x": (550, b"No such user")}
    >>> session = Session()
    >>> watch = Watch(session)
    >>> session.send("MAIL FROM:<a@x>"); watch.is_uncertain
    False
    >>> session.send(b"Hello" + END_OF_MESSAGE); watch.is_uncertain
    True
    >>> _reply = session.getreply(); watch.is_uncertain
    False
    >>> _refused = session.sendmail("a@x", ["b@x", "c@x"], ""); watch.refused
    {'b@x': (550, b'No such user')}
    """

    def __init__(self, session):
        self.is_uncertain = False  # All of the message went out, and no answer came yet.
        self.refused = {}  # Answers by address.
        self.error = None
        self._send, self._getreply, self._sendmail = session.send, session.getreply, session.sendmail
        session.send, session.getreply, session.sendmail = self._watch_send, self._watch_reply, self._watch_sendmail

    def _watch_send(self, data):
        self._send(data)
        self.is_uncertain = isinstance(data, bytes) and data.endswith(END_OF_MESSAGE)

    def _watch_reply(self):
        reply = self._getreply()
        self.is_uncertain = False
        return reply

    def _watch_sendmail(self, *args, **kwargs):
        self.is_uncertain, self.refused, self.error = False, {}, None
        try:
            self.refused = self._sendmail(*args, **kwargs)
        except smtplib.SMTPRecipientsRefused as error:
            self.refused, self.error = error.recipients, error
            raise
        except Exception as error:
            self.error = error
            raise
        return self.refused


def explain(error):
    """The server's own words of an error, on one line for each address.

    >>> explain(smtplib.SMTPRecipientsRefused({"a@x": (550, b"No such user")}))
    'a@x: 550 No such user'
    >>> explain(smtplib.SMTPDataError(554, b"Spam"))
    '554 Spam'
    >>> explain(ConnectionRefusedError(111, "Connection refused"))
    'Connection refused'
    >>> explain(TimeoutError())
    'TimeoutError'
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return explain_refused(error.recipients)
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_decode(error.smtp_error)}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def explain_refused(refused):
    """The server's answers on addresses that it does not take.

    >>> explain_refused({"a@x": (550, b"No such user"), "b@x": (452, b"Full")})
    'a@x: 550 No such user\\nb@x: 452 Full'
    """
    return "\n".join(f"{address}: {code} {_decode(words)}" for address, (code, words) in refused.items())


def _decode(words):
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)
