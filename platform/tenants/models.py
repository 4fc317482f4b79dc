"""Which tenants are there, who belongs to them, and with which keys do their programs come?"""

from functools import partial
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from tenants.ownership import OwnedQuerySet, TenantOwned
from tenants.time_zones import is_time_zone
from wire.ids import new_id


class UserAccounts(BaseUserManager["User"]):
    """Makes users, who are known by their e-mail address alone."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create and return a user."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create and return an operator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user of this address, however it is spelled."""
        return self.get(email=User.normalize_username(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in."""

    email = models.EmailField(unique=True)
    is_staff = models.BooleanField("operator", default=False, help_text="May use the admin console.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    objects: ClassVar[UserAccounts] = UserAccounts()

    class Meta:
        # With the unique column: no two accounts whose addresses differ in case alone.
        constraints = [models.CheckConstraint(condition=Q(email=Lower("email")), name="email_in_lower_case")]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the user, the address in its one spelling."""
        self.email = self.normalize_username(self.email)
        super().save(*args, **kwargs)

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Return an address as accounts are stored; Django's forms ask for it too."""
        return super().normalize_username(username).strip().lower()


class FailedSignIn(models.Model):
    """A wrong password, remembered for minutes, to refuse whoever guesses on."""

    account = models.CharField(max_length=254)
    address = models.CharField(max_length=45)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["account", "address", "at"], name="failed_sign_in_of_pair"),
            models.Index(fields=["at"], name="failed_sign_in_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.account} from {self.address}"


class Tenant(models.Model):
    """Who pays and owns."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "ten"), editable=False)
    name = models.CharField(max_length=100)
    members = models.ManyToManyField(User, through="Membership", related_name="tenants")
    time_zone = models.CharField(
        "time zone", max_length=60, default="UTC", help_text="In which its days begin.", validators=[is_time_zone]
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    suspended_at = models.DateTimeField(null=True, blank=True, help_text="Set to refuse every request of this tenant.")

    def __str__(self) -> str:
        return self.name


class Membership(TenantOwned):
    """A user in a tenant."""

    class Role(models.TextChoices):
        """What a member may do."""

        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"
        VIEWER = "viewer"

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "mem"), editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_user")]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant}"


class Scope(models.TextChoices):
    """What a key may be used for."""

    READ = "read"
    GENERATE = "generate"
    TRAIN = "train"
    MANAGE = "manage"


def every_scope() -> list[str]:
    """Return the scopes of a key that nobody restricted."""
    return list(Scope.values)


class ApiKey(TenantOwned):
    """A secret with which a tenant's programs come. Only its digest is stored."""

    class Status(models.TextChoices):
        """Whether it opens the door."""

        ACTIVE = "active"
        EXPIRED = "expired"
        REVOKED = "revoked"

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "key"), editable=False)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20, editable=False, help_text="How the key begins, to tell keys apart.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=every_scope)
    checkpoints = models.JSONField(null=True, blank=True, help_text="Which it may ask for, by id; empty: all.")
    loras = models.JSONField(null=True, blank=True, help_text="Which it may ask for, by id; empty: all.")
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="Its own; empty: the tenant's.")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, editable=False, related_name="+")
    replaces = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, editable=False, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def status(self) -> str:
        """Return whether it opens the door now."""
        if self.revoked_at:
            return self.Status.REVOKED
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.Status.EXPIRED if is_over else self.Status.ACTIVE


class Invitation(TenantOwned):
    """An offer to become a member, sent by e-mail. Only the digest of what its link holds is stored."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "inv"), editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role, default=Membership.Role.MEMBER)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="invitation_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="one_open_invitation_per_address",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant}"

    @property
    def status(self) -> str:
        """Return what has become of it: open, accepted, withdrawn or expired."""
        if self.accepted_at:
            return "accepted"
        if self.withdrawn_at:
            return "withdrawn"
        return "open" if self.expires_at > timezone.now() else "expired"


class AuditChain(models.Model):
    """Where the audit of a tenant ends. Who adds to it holds this row, so that two never follow the same one."""

    owner = models.CharField(primary_key=True, max_length=40, help_text="A tenant's id; empty: without a tenant.")
    tenant = models.OneToOneField(Tenant, models.CASCADE, null=True, related_name="+")
    number = models.PositiveBigIntegerField(default=0, help_text="How many rows there are.")
    digest = models.CharField(max_length=64, blank=True, help_text="The last one's.")

    def __str__(self) -> str:
        return f"{self.number} of {self.owner or 'nobody'}"


class AuditEvent(models.Model):
    """Who did what, when and from where; rows are only ever added, each sealed with the digest of the one before."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "aud"), editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, help_text="Empty: of somebody without a tenant.")
    number = models.PositiveBigIntegerField(help_text="Its place in the tenant's audit, from 1.")
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=254, help_text="An address, a key's id, or what acted by itself.")
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=254, blank=True)
    detail = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)
    digest = models.CharField(max_length=64)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="audit_newest")]
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="one_audit_event_per_place")]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
