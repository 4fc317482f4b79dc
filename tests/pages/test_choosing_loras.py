"""Does the form find, add, weigh and remove LoRAs, and do pages show which ones a picture has?"""

import re

import pytest

from generation.models import GenerationJob, Image
from loras.services import place_checkpoint, remove_lora
from tenants.models import Membership
from tests.pages.conftest import queries_of

HTMX = {"HX-Request": "true"}
FORM = {"prompt": "a red kite", "size": "custom", "width": "64", "height": "64", "n": "1", "seed": "7", "steps": "1"}


def change(person, **form):
    """Press one of the buttons around the LoRAs, as htmx does, and return that part of the form."""
    return person.browser.post("/loras", FORM | form, headers=HTMX).content.decode()


def order(person, **form):
    return person.browser.post("/", FORM | form, headers=HTMX)


def values(page, name):
    """Return what a field of this name holds, in the page's order."""
    return re.findall(rf'name="{name}"[^>]*? value="([^"]*)"', page)


def test_a_form_becomes_a_job_with_its_loras(alice, shelve):
    one, two = shelve("kites", 1), shelve("ships", 2)
    order(alice, lora=[two.sha256, one.sha256], lora_weight=["0.5", "-1"])
    chosen = [(each.version, each.weight) for each in GenerationJob.objects.get().loras.all()]
    assert chosen == [(two, 0.5), (one, -1.0)]


def test_one_is_found_by_a_word_added_with_its_trigger_words_and_removed(alice, shelve):
    version = shelve("kites", title="Red kites", trigger_words="wing, sky")
    found = change(alice, find="wing")
    assert values(found, "add") == [version.sha256]
    added = change(alice, add=version.sha256)
    assert (values(added, "lora"), values(added, "lora_weight"), values(added, "add")) == ([version.sha256], ["1"], [])
    assert ('data-word="wing"' in added, 'data-word="sky"' in added) == (True, True)
    assert values(change(alice, lora=version.sha256, lora_weight="1", remove=version.sha256), "lora") == []


def test_those_in_the_form_keep_their_weights_and_are_not_offered_again(alice, shelve):
    one, two = shelve("kites", 1), shelve("ships", 2)
    page = change(alice, lora=one.sha256, lora_weight="0.25", add=two.sha256)
    assert values(page, "lora_weight") == ["0.25", "1"]
    assert values(change(alice, lora=one.sha256, lora_weight="0.25", find=""), "add") == [two.sha256]


def test_a_bare_browser_gets_the_whole_form_as_it_was(alice, shelve):
    version = shelve("kites")
    page = alice.browser.post("/loras", FORM | {"add": version.sha256, "negative_prompt": "clouds"})
    form = page.context["form"]
    assert (form["prompt"].value(), form["negative_prompt"].value(), form["seed"].value()) == (
        "a red kite",
        "clouds",
        "7",
    )
    assert [each.version for each in form.picker.picked] == [version]
    assert not form.errors


def test_an_old_version_in_the_form_stays_that_one(alice, shelve):
    old = shelve("kites", 1)
    shelve("kites", 2)
    order(alice, lora=old.sha256, lora_weight="1")
    assert GenerationJob.objects.get().loras.get().version == old


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ("3", "Weight must be between -2.0 and 2.0."),
        ("nan", "Weight must be a number."),
        ("much", "Weight must be a number."),
        ("", "Weight must be a number."),
    ],
)
def test_a_wrong_weight_is_told_beside_the_loras_and_kept(alice, shelve, weight, sentence):
    version = shelve("kites")
    answer = order(alice, lora=version.sha256, lora_weight=weight)
    assert (answer.status_code, answer.context["form"]["loras"].errors) == (422, [sentence])
    assert sentence in answer.content.decode()
    assert [each.weight for each in answer.context["form"].picker.picked] == [weight]
    assert not GenerationJob.objects.exists()


def test_a_lora_that_left_the_shelf_is_told_and_never_left_out_unseen(alice, shelve):
    version = shelve("kites")
    shelve("ships", 2)
    remove_lora(version.lora)
    answer = order(alice, lora=version.sha256, lora_weight="1")
    assert answer.context["form"]["loras"].errors[0].startswith("There is no such LoRA.")
    assert "was left out" in answer.content.decode()
    assert not GenerationJob.objects.exists()


def test_twenty_fill_the_form_and_one_more_is_refused(alice, shelve):
    hashes = [shelve(f"lora {number}", number + 1).sha256 for number in range(21)]
    full = change(alice, lora=hashes[:20], lora_weight=["0"] * 20)
    assert 'name="find"' not in full
    answer = order(alice, lora=hashes, lora_weight=["0"] * 21)
    assert answer.context["form"]["loras"].errors == ["LoRAs may have 20 entries, this has 21."]


def test_a_strangers_lora_is_neither_offered_nor_taken(alice, charlie, shelve):
    theirs = shelve("secret", tenant=charlie.tenant)
    shelve("kites", 2)
    assert "secret" not in change(alice, find="")
    assert values(change(alice, add=theirs.sha256), "lora") == []
    assert "secret" not in alice.browser.get("/").content.decode()
    assert order(alice, lora=theirs.sha256, lora_weight="1").status_code == 422


def test_an_empty_shelf_is_not_shown(alice, charlie, shelve):
    assert 'id="loras"' not in alice.browser.get("/").content.decode()
    shelve("secret", tenant=charlie.tenant)
    assert 'id="loras"' not in alice.browser.get("/").content.decode()
    assert 'id="loras"' in charlie.browser.get("/").content.decode()


def test_a_viewer_changes_no_form(alice, shelve):
    Membership.objects.filter(user=alice.user).update(role=Membership.Role.VIEWER)
    assert alice.browser.post("/loras", FORM).status_code == 403


@pytest.fixture
def image(alice, shelve, make_image) -> Image:
    """A picture with two LoRAs, one of them an older version now."""
    shelve("kites", 1, title="Red kites")
    shelve("ships", 2)
    made = make_image(alice, size="64x64", steps=1, loras=[{"name": "kites", "weight": 0.75}, {"name": "ships"}])
    shelve("kites", 3)
    return made


@pytest.mark.parametrize("address", ["/", "/history", "/images/{image}", "/generations/{job}"])
def test_each_page_of_a_picture_shows_its_loras(alice, image, address):
    page = alice.browser.get(address.format(image=image.pk, job=image.job_id)).content.decode()
    shown = re.findall(r'class="worn"[^>]*>([^<]+) <b>([^<]+)</b>', page)
    assert shown == [("Red kites", "0.75"), ("ships", "1")]


def test_failed_generations_show_theirs_too(alice, image):
    GenerationJob.objects.update(status="failed")
    assert "Red kites <b>0.75</b>" in alice.browser.get("/history?show=failed").content.decode()


def test_settings_are_used_again_with_the_same_files_and_weights(alice, image):
    for source in (image.pk, image.job_id):
        picker = alice.browser.get(f"/?from={source}").context["form"].picker
        again = [(each.lora.name, each.version.number, each.weight) for each in picker.picked]
        assert again == [("kites", 1, "0.75"), ("ships", 1, "1")]


def test_what_left_the_shelf_since_is_told_when_settings_are_used_again(alice, image):
    remove_lora(image.job.loras.all()[0].lora)
    page = alice.browser.get(f"/?from={image.pk}")
    assert [each.lora.name for each in page.context["form"].picker.picked] == ["ships"]
    assert "no longer on the shelf" in page.content.decode()


@pytest.mark.parametrize("address", ["/", "/history"])
def test_more_pictures_with_loras_cost_no_more_queries(alice, image, make_image, address):
    _, before = queries_of(alice.browser, address)
    for _ in range(3):
        make_image(alice, size="64x64", steps=1, loras=[{"name": "ships"}])
    assert queries_of(alice.browser, address)[1] == before


def test_another_base_is_chosen_by_its_title_and_used_again(alice, make_image):
    place_checkpoint("other-sdxl", "other", title="The other", width=256, height=256)
    page = alice.browser.get("/").content.decode()
    assert '<option value="other">The other</option>' in page
    order(alice, checkpoint="other", size="64x64")
    job = GenerationJob.objects.get()
    assert job.checkpoint.name == "other"
    form = alice.browser.get(f"/?from={job.pk}").context["form"]
    assert (form["checkpoint"].value(), form.shapes[0].size) == ("other", "256x256")
