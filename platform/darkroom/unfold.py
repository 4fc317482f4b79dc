"""How does the admin look? Our name, our colours, and a sidebar in an operator's words."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _mark(request: HttpRequest) -> str:
    return static("pages/mark.svg")


def _style(request: HttpRequest) -> str:
    return static("pages/admin.css")


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _item(title: str, icon: str, view: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{view}"), **more}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Darkroom",
    "SITE_HEADER": "Darkroom",
    "SITE_SUBHEADER": "Operator's console",
    "SITE_ICON": _mark,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _mark}],
    "STYLES": [_style],
    "DASHBOARD_CALLBACK": "jobs.admin.overview",
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": {
            "50": "#f6f4f1", "100": "#efebe7", "200": "#e2ddd7", "300": "#c9c2bb", "400": "#a9a19b", "500": "#7b746e",
            "600": "#5f5750", "700": "#45403c", "800": "#2d2a28", "900": "#191716", "950": "#100e0e",
        },
        "primary": {
            "50": "#fef3f1", "100": "#fee3df", "200": "#fecbc4", "300": "#fca89d", "400": "#ff7d6e", "500": "#ee5140",
            "600": "#d7362a", "700": "#b3271b", "800": "#99271d", "900": "#7f261e", "950": "#450f0a",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {"items": [_item("Overview", "monitoring", "index")]},
            {
                "title": "Tenants",
                "items": [
                    _item("Tenants", "apartment", "tenants_tenant_changelist"),
                    _item("Plans", "sell", "quotas_plan_changelist"),
                    _item("Allowances", "tune", "quotas_allowance_changelist"),
                    _item("People", "group", "tenants_user_changelist"),
                    _item("API keys", "key", "tenants_apikey_changelist"),
                    _item("Audit", "history", "tenants_auditevent_changelist"),
                ],
            },
            {
                "title": "Work",
                "items": [
                    _item("Generations", "auto_awesome", "generation_generationjob_changelist"),
                    _item("Images", "photo_library", "generation_image_changelist"),
                    _item("Events", "timeline", "jobs_jobevent_changelist"),
                ],
            },
            {
                "title": "Weights",
                "items": [
                    _item("Checkpoints", "deployed_code", "loras_checkpoint_changelist"),
                    _item("LoRAs", "styler", "loras_lora_changelist"),
                    _item("ControlNets", "draw", "loras_controlnet_changelist"),
                ],
            },
            {
                "title": "Machines",
                "items": [
                    _item("Workers", "memory", "jobs_worker_changelist"),
                    # Looking at RQ's pages writes to the store.
                    _item("RQ queues", "notifications", "django_rq_dashboard_changelist", permission=_is_superuser),
                ],
            },
        ],
    },
}  # fmt: skip
