"""Where are the doors of accounts? allauth's views, each at an address and with a page of ours."""

from typing import Any, cast

from allauth.account import views as doors
from allauth.mfa.base import views as code_doors
from allauth.mfa.recovery_codes import views as recovery_doors
from allauth.mfa.totp import views as authenticator_doors
from allauth.mfa.webauthn import views as passkey_doors
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, reverse
from django.urls import path as route
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.generic import RedirectView

from accounts.addresses import is_vouched_for, vouch_for
from accounts.overview import factors_of, new_address_of, sign_ins_of
from accounts.services import end_sessions, move_in_again
from tenants.models import User


class AtTheDoor:
    """What the pages before signing in know of this server."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the page shows: is sign-up open, and does mail leave this machine?"""
        known = {"sign_up": settings.SIGN_UP, "mail_leaves": settings.MAIL_SERVER is not None}
        return super().get_context_data(**kwargs) | known  # type: ignore[misc]


class SignIn(AtTheDoor, doors.LoginView):
    """E-mail and password, or a passkey."""


class ChangeEmail(doors.EmailView):
    """Another address, which counts once a mail to it was answered; until then the old one does."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the operator's word for today's address first: allauth would replace what it does not know."""
        if request.user.is_authenticated and is_vouched_for(request.user):
            vouch_for(request.user)
        return super().dispatch(request, *args, **kwargs)


class ConfirmationSent(AtTheDoor, doors.EmailVerificationSentView):
    """Where is the mail?"""


class ResetSent(AtTheDoor, doors.PasswordResetDoneView):
    """Where is the mail?"""


@require_safe
@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Show somebody their own account."""
    user = cast(User, request.user)
    context = {
        "new_address": new_address_of(user),
        "factors": factors_of(user),
        "sign_ins": sign_ins_of(user, request.session.session_key),
    }
    return render(request, "account/overview.html", context)


@require_POST
@login_required
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """Leave this browser alone signed in."""
    count = end_sessions(cast(User, request.user), but=request.session.session_key)
    messages.success(request, f"Signed out in {count} other place{'' if count == 1 else 's'}.")
    return redirect("account")


@require_POST
@login_required
def open_tenant(request: HttpRequest) -> HttpResponse:
    """Let somebody whom every tenant has removed begin anew."""
    move_in_again(cast(User, request.user))
    return redirect("create")


def admin_door(request: HttpRequest) -> HttpResponse:
    """Let operators in through the same door as everybody, where their second factor is asked for."""
    wanted = request.GET.get("next") or reverse("admin:index")
    if request.user.is_authenticated and not request.user.is_staff:
        return render(request, "403.html", status=403)
    return redirect_to_login(wanted, reverse("sign_in"))


def path(at: str, view: Any, name: str | None = None) -> URLPattern:
    """Return a route whose view is asked to show or to do something, and nothing else."""
    return route(at, require_http_methods(["GET", "HEAD", "POST"])(view), name=name)


urlpatterns = [
    path("admin/login/", admin_door),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    # allauth asks for its own names.
    path("sign-in", SignIn.as_view(), name="sign_in"),
    path("sign-in", SignIn.as_view(), name="account_login"),
    path("sign-in/passkey", passkey_doors.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/code", code_doors.authenticate, name="mfa_authenticate"),
    path("sign-in/closed", doors.account_inactive, name="account_inactive"),
    path("sign-out", doors.logout, name="sign_out"),
    path("sign-out", doors.logout, name="account_logout"),
    path("sign-up", doors.signup, name="account_signup"),
    path("confirm-email", ConfirmationSent.as_view(), name="account_email_verification_sent"),
    path("confirm-email/<str:key>", doors.confirm_email, name="account_confirm_email"),
    path("password-reset", doors.password_reset, name="account_reset_password"),
    path("password-reset/sent", ResetSent.as_view(), name="account_reset_password_done"),
    path("password-reset/done", doors.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path(
        "password-reset/<str:uidb36>/<str:key>", doors.password_reset_from_key, name="account_reset_password_from_key"
    ),
    path("account/", account, name="account"),
    path("account/", account, name="mfa_index"),
    path("account/", account, name="mfa_list_webauthn"),
    path("account/sign-out-elsewhere", sign_out_elsewhere, name="sign_out_elsewhere"),
    path("account/open-tenant", open_tenant, name="open_tenant"),
    path("account/confirm", doors.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code", code_doors.reauthenticate, name="mfa_reauthenticate"),
    path("account/confirm/passkey", passkey_doors.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/email", ChangeEmail.as_view(), name="account_email"),
    path("account/password", doors.password_change, name="account_change_password"),
    path("account/password/first", doors.password_set, name="account_set_password"),
    path("account/authenticator", authenticator_doors.activate_totp, name="mfa_activate_totp"),
    path("account/authenticator/remove", authenticator_doors.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/recovery-codes", recovery_doors.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/renew", recovery_doors.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/recovery-codes.txt", recovery_doors.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("account/passkeys/add", passkey_doors.add_webauthn, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>", passkey_doors.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove", passkey_doors.remove_webauthn, name="mfa_remove_webauthn"),
]
