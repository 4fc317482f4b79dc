// What does a person read when a passkey could not be made or used? allauth's script tells us, we tell them.

const REASONS = {
  NotAllowedError: "No passkey was used. Try again, or go another way.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "Passkeys work only at the address that the operator set for this server (DARKROOM_URL).",
};

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const { exception } = event.detail;
  const plain = window.PublicKeyCredential === undefined;
  if (plain) say("This browser allows passkeys at https:// addresses alone. Ask the operator of this server.");
  else say(REASONS[exception.name] || "The passkey could not be used. Try again, or go another way.");
});
