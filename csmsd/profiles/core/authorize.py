"""Authorize (C 4.1): may this idTag charge?"""

from csmsd.ocpp.types import IdTagInfo, IdToken, Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core.id_tags import authorization_status_of_id_tag, id_tag_info
from csmsd.profiles.record import Event


class AuthorizeReq(Message, kw_only=True):
    id_tag: IdToken


class AuthorizeConf(Message, kw_only=True):
    id_tag_info: IdTagInfo


def authorize(request: AuthorizeReq, at: Context) -> Reply[AuthorizeConf]:
    """Nothing is kept, so the answer does not wait for the disk. ConcurrentTx is for StartTransaction (C 7.2)."""
    tag = at.site.id_tag(request.id_tag)
    status = authorization_status_of_id_tag(tag, at.now, unknown=at.site.policies.unknown_id_tags)
    if tag is None:
        at.site.unknown_cards.held(request.id_tag, at.charge_point.id, at.now, status)
    authorized = Event("tag.authorized", at.charge_point.id, {"id_tag": request.id_tag, "status": status})
    return Reply(AuthorizeConf(id_tag_info=id_tag_info(tag, status)), [], [authorized])


INCOMING = Incoming(AuthorizeReq, AuthorizeConf, authorize, writes=False)
