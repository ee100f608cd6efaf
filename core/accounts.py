"""Accounts, roles and API tokens: who may do what.

Passwords and browser sessions are Flask-Security's; an API token is a random secret of which only the hash is kept.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from flask_security import RoleMixin, SQLAlchemyUserDatastore, UserMixin, hash_password
from flask_security.utils import verify_password
from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import audit, clock
from core.database import Base, db, id_column, read, transaction
from core.errors import Problem, declare, invalid

ROLES = ("consumer", "merchant", "customs", "operator")
TOKEN_DAYS = 30
PASSWORD_LEAST, PASSWORD_MOST = 10, 200

EMAIL_TAKEN = declare("email_taken", 409, "An account with this address exists")
BAD_LOGIN = declare("bad_credentials", 401, "Address or password is wrong")
UNAUTHENTICATED = declare("unauthenticated", 401, "A valid bearer token is needed")
FORBIDDEN = declare("forbidden", 403, "Your role does not allow this")

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("role.id"), primary_key=True),
)


class Role(Base, RoleMixin):
    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    description: Mapped[str] = mapped_column(String(200), default="")


class User(Base, UserMixin):
    __tablename__ = "user_account"

    id: Mapped[uuid.UUID] = id_column()  # type: ignore[assignment]  # the mixin's stub says int
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(100))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    roles: Mapped[list[Role]] = relationship(secondary=user_role, lazy="selectin")  # type: ignore[assignment]


class ApiToken(Base):
    __tablename__ = "api_token"

    id: Mapped[uuid.UUID] = id_column()
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]


datastore = SQLAlchemyUserDatastore(db, User, Role)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking, as plain values."""

    id: uuid.UUID
    email: str
    name: str
    roles: frozenset[str]
    token_id: uuid.UUID | None = None

    def has(self, *roles: str) -> bool:
        return not self.roles.isdisjoint(roles)


def normal_email(address: str) -> str:
    """The one spelling of an address. Raises Problem `invalid_input`."""
    try:
        checked = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as fault:
        raise invalid("email", str(fault)) from None
    return checked.normalized.lower()


def _check_password(password: str) -> None:
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise invalid("password", f"must have {PASSWORD_LEAST} to {PASSWORD_MOST} characters")


def _insert_user(session: Session, email: str, password: str, name: str, roles: tuple[str, ...]) -> uuid.UUID:
    user = User(email=email, password=hash_password(password), name=name, fs_uniquifier=secrets.token_hex(32))
    session.add(user)
    session.flush()  # the role rows below need the new id
    role_ids = session.scalars(select(Role.id).where(Role.name.in_(roles))).all()
    session.execute(insert(user_role), [{"user_id": user.id, "role_id": role_id} for role_id in role_ids])
    return user.id


def register(email: str, password: str, name: str, roles: tuple[str, ...] = ("consumer",)) -> Actor:
    """Open an account. Raises Problem `email_taken` or `invalid_input`."""
    address = normal_email(email)
    _check_password(password)
    try:
        with transaction() as session:
            user_id = _insert_user(session, address, password, name, roles)
            audit.record(session, str(user_id), "account_opened", "account", user_id)
    except IntegrityError:
        raise Problem(EMAIL_TAKEN, errors={"email": ["is taken"]}) from None
    return Actor(user_id, address, name, frozenset(roles))


def ensure_role(session: Session, user_id: uuid.UUID, role: str) -> None:
    """Give a role once; used when a merchant is admitted."""
    role_id = session.scalars(select(Role.id).where(Role.name == role)).one()
    held = select(user_role.c.user_id).where(user_role.c.user_id == user_id, user_role.c.role_id == role_id)
    if session.execute(held).first() is None:
        session.execute(insert(user_role).values(user_id=user_id, role_id=role_id))


def drop_role(session: Session, user_id: uuid.UUID, role: str) -> None:
    """Take a role away; used when somebody leaves a merchant."""
    role_ids = select(Role.id).where(Role.name == role).scalar_subquery()
    session.execute(delete(user_role).where(user_role.c.user_id == user_id, user_role.c.role_id == role_ids))


# Verified against when the address is unknown, so that time does not tell which addresses exist.
_DECOY: list[str] = []


def check_login(email: str, password: str) -> Actor:
    """The account behind address and password. Raises Problem `bad_credentials`, without saying which was wrong."""
    try:
        address = normal_email(email)
    except Problem:
        address = ""
    user = db.session.scalars(select(User).where(User.email == address)).first()
    if user is None:
        if not _DECOY:
            _DECOY.append(hash_password(secrets.token_hex(16)))
        verify_password(password, _DECOY[0])
        raise Problem(BAD_LOGIN)
    if not verify_password(password, user.password) or not user.active:
        raise Problem(BAD_LOGIN)
    return actor_of(user)


def actor_of(user: User) -> Actor:
    return Actor(user.id, user.email, user.name, frozenset(role.name for role in user.roles))


def issue_token(actor: Actor) -> tuple[str, datetime]:
    """A new API token and when it ends; the secret is shown once and never stored."""
    secret = secrets.token_urlsafe(32)
    expires_at = clock.now() + timedelta(days=TOKEN_DAYS)
    with transaction() as session:
        session.add(ApiToken(user_id=actor.id, digest=_hash(secret), expires_at=expires_at))
        session.execute(delete(ApiToken).where(ApiToken.user_id == actor.id, ApiToken.expires_at < clock.now()))
    return secret, expires_at


def revoke_token(token_id: uuid.UUID) -> None:
    with transaction() as session:
        session.execute(delete(ApiToken).where(ApiToken.id == token_id))


def set_active(user_id: uuid.UUID, active: bool) -> None:
    """Lock or unlock an account; its tokens stop with it."""
    with transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(active=active))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def actor_by_token(secret: str) -> Actor | None:
    """Who holds this token, or None; one statement."""
    if not 20 <= len(secret) <= 200:
        return None
    rows = read(_HOLDER_OF, {"digest": _hash(secret), "now": clock.now()})
    if not rows:
        return None
    token_id, user_id, email, name, roles = rows[0]
    return Actor(user_id, email, name, frozenset(roles), token_id)


_HOLDER_OF = """
    SELECT api_token.id, account.id AS account, account.email, account.name,
           ARRAY(SELECT role.name FROM user_role JOIN role ON role.id = user_role.role_id
                 WHERE user_role.user_id = account.id) AS roles
    FROM api_token JOIN user_account AS account ON account.id = api_token.user_id
    WHERE api_token.digest = %(digest)s AND api_token.expires_at > %(now)s AND account.active
"""
