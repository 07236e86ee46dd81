"""What customers ask for, in many wordings, and what the assistant says to each (see `support`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Intent:
    """One kind of request: wordings with and without an order number, answers, their curt form, and a sentence more."""

    name: str
    with_order: tuple[str, ...]
    without_order: tuple[str, ...]
    answers: tuple[str, ...]
    short: tuple[str, ...]
    more: tuple[str, ...]
    sorry: tuple[str, ...] = ("I can look into that.",)
    must: tuple[str, ...] = ()
    needs_order: bool = True


def _general(
    name: str, asks: tuple[str, ...], answers: tuple[str, ...], short: tuple[str, ...], more: tuple[str, ...], must: tuple[str, ...]
) -> Intent:
    return Intent(name, (), asks, answers, short, more, must=must, needs_order=False)


INTENTS: tuple[Intent, ...] = (
    Intent(
        "late parcel",
        (
            "Where is my order {order}?",
            "My parcel {order} has not arrived.",
            "Order {order} is late. Where is my {thing}?",
            "I am still waiting for order {order}.",
            "Can you track order {order}?",
            "I ordered a {thing}, number {order}, and it is not here yet.",
            "When will order {order} arrive?",
            "The {thing} from order {order} never came.",
            "Any news about my parcel {order}?",
            "It has been two weeks and order {order} is not here.",
            "Please check the delivery of {order}.",
            "What happened to shipment {order}?",
            "Nobody has delivered {order} so far.",
        ),
        (
            "Where is my parcel?",
            "My {thing} has not arrived.",
            "I am waiting for my {thing}.",
            "My order is late.",
            "When will my {thing} come?",
            "The {thing} that I bought is still not here.",
            "Can you track my parcel?",
            "How long until the {thing} is delivered?",
        ),
        (
            "I am sorry that order {order} is late. I will check where the parcel is.",
            "I will track order {order} and tell you where it is.",
            "Order {order} is on its way. I will ask the carrier where it is.",
        ),
        ("Checking {order}.", "I will track {order}.", "{order}: on its way."),
        (
            "Parcels are sometimes held up at the depot.",
            "The carrier will send you a message with the day of delivery.",
            "You do not have to do anything.",
        ),
        ("I am sorry for the wait.", "I am sorry that it is late."),
    ),
    Intent(
        "refund",
        (
            "I want my money back for order {order}.",
            "Please refund order {order}.",
            "I would like a refund for the {thing}, order {order}.",
            "Can I get a refund for {order}?",
            "I sent the {thing} back. Where is my refund for {order}?",
            "How do I get my money back for order {order}?",
            "I do not want the {thing} any more. Refund {order}.",
            "Order {order}: I ask for a refund.",
            "Give me back what I paid for {order}.",
        ),
        (
            "I want a refund.",
            "I want my money back for the {thing}.",
            "Can I get a refund for my {thing}?",
            "Please pay back my {thing}.",
            "I sent the {thing} back and got no money.",
            "Could the {thing} be refunded?",
        ),
        (
            "I have asked for the refund of order {order}. The money goes back to your account.",
            "I will start the refund for order {order}.",
            "Your refund for order {order} has been noted. You will get a message when it is paid.",
        ),
        ("Refund for {order} started.", "I will refund {order}."),
        ("The bank may need some time.", "The money goes back the way you paid.", "You will see it on your bank statement."),
        ("I can help you with the refund.", "I am sorry that you were not happy with it."),
        ("refund",),
    ),
    Intent(
        "broken",
        (
            "The {thing} from order {order} is broken.",
            "My {thing} arrived damaged. The order is {order}.",
            "Order {order}: the {thing} does not work.",
            "The {thing} has a crack. My order number is {order}.",
            "There is something wrong with the {thing} of order {order}.",
            "I got a faulty {thing} with order {order}.",
            "The {thing} stopped working after one day. It was order {order}.",
            "Order {order} came with a {thing} in pieces.",
        ),
        (
            "My {thing} is broken.",
            "The {thing} does not work.",
            "The {thing} arrived damaged.",
            "There is a crack in my {thing}.",
            "You sent me a faulty {thing}.",
            "The {thing} came apart in my hands.",
        ),
        (
            "I am sorry that the {thing} is broken. I will send you a new one for order {order}.",
            "I am sorry about the {thing}. I can replace it under order {order}.",
            "That should not happen. I will replace the {thing} from order {order}.",
        ),
        ("New {thing} for {order}.", "I will replace the {thing}, {order}."),
        ("A photo of the {thing} would help us.", "You may keep the old one.", "We pay the postage."),
        ("I am sorry that the {thing} is broken.", "I am sorry about the {thing}."),
        (),
    ),
    Intent(
        "wrong item",
        (
            "I got the wrong {thing} with order {order}.",
            "Order {order} has the wrong size.",
            "This is not the {thing} that I ordered. Number {order}.",
            "You sent me the wrong colour in order {order}.",
            "I ordered a {thing} and got something else. Order {order}.",
            "The {thing} in order {order} does not fit.",
            "Order {order} holds a {thing} that I never chose.",
        ),
        (
            "I got the wrong {thing}.",
            "The {thing} has the wrong size.",
            "This is not the {thing} that I ordered.",
            "My {thing} does not fit.",
            "You sent the wrong {thing}.",
            "A {thing} came that I never chose.",
        ),
        (
            "I am sorry for the mix-up. I will exchange the {thing} from order {order}.",
            "I will send you the right {thing} for order {order}.",
        ),
        ("I will exchange it, {order}.", "Right {thing} on its way, {order}."),
        ("You can hand the wrong one to the driver.", "Keep the box, so that you can send it back."),
        ("I am sorry for the mix-up.", "I can exchange it for you."),
        (),
    ),
    Intent(
        "cancel",
        (
            "Please cancel order {order}.",
            "I want to cancel my order {order}.",
            "Can I still cancel {order}?",
            "Cancel the {thing}, order {order}.",
            "I changed my mind about order {order}.",
            "I ordered a {thing} by mistake. The number is {order}.",
            "Stop order {order} before it is sent.",
        ),
        (
            "I want to cancel my order.",
            "Cancel my {thing}.",
            "Can I cancel the {thing}?",
            "I changed my mind about the {thing}.",
            "Please do not send the {thing}.",
            "Take the {thing} off my order.",
        ),
        ("I have cancelled order {order}.", "Order {order} is cancelled. You pay nothing.", "I will cancel order {order} for you."),
        ("{order} cancelled.", "Cancelled: {order}."),
        ("If it was sent already, you can refuse the parcel.", "You will get a message about it."),
        ("I can cancel it for you.",),
        ("cancel",),
    ),
    Intent(
        "address",
        (
            "I moved. Please change the address of order {order}.",
            "Order {order} has the wrong address.",
            "Can you send order {order} to my new address?",
            "I need a new delivery address for {order}.",
            "Change where {order} is delivered.",
            "Please deliver {order} to my office.",
        ),
        (
            "I moved to a new house.",
            "My address is wrong.",
            "Can you change my address?",
            "I have a new address.",
            "Please deliver to my office.",
            "I live somewhere else now.",
        ),
        ("I can change the address of order {order}. Send me the new one.", "What is the new address for order {order}?"),
        ("New address for {order}?", "Send me the address for {order}."),
        ("I need the street, the town and the post code.",),
        ("I can change the address.",),
        ("address",),
    ),
    Intent(
        "invoice",
        (
            "I need the invoice for order {order}.",
            "Please send me the bill for {order}.",
            "There is a mistake in the invoice of order {order}.",
            "I was charged twice for order {order}.",
            "Can I have a receipt for {order}?",
            "The price on the invoice {order} is wrong.",
            "Mail me the paperwork for {order}.",
        ),
        (
            "I need an invoice.",
            "Where is my receipt?",
            "I was charged twice.",
            "My bill is wrong.",
            "Please send me the bill for the {thing}.",
            "I lack a receipt for the {thing}.",
        ),
        ("I will send you the invoice for order {order} by email.", "I will check the invoice of order {order} and mail it to you."),
        ("Invoice for {order} sent.", "I will mail the invoice, {order}."),
        ("You can also find it in your account.", "It comes as a file that you can print."),
        ("I can send you the invoice.",),
        ("invoice",),
    ),
    _general(
        "password",
        (
            "I forgot my password.",
            "I cannot log in.",
            "How do I reset my password?",
            "My password does not work.",
            "My account is locked.",
            "I can't sign in to my account.",
            "The login page says that my password is wrong.",
            "How can I change my password?",
            "I need a new password.",
            "The site will not let me in.",
            "My login keeps failing.",
        ),
        (
            "You can reset your password on the login page. Click on the link and follow the email.",
            "Please use the link on the login page to reset your password.",
            "I will send you an email with a link to set a new password.",
        ),
        ("Reset your password on the login page.", "Use the password link."),
        ("The link works for one hour.", "Look in your spam folder if the email does not come."),
        ("password",),
    ),
    _general(
        "discount",
        (
            "My discount code does not work.",
            "The voucher for the {thing} is not accepted.",
            "Do you have a discount for the {thing}?",
            "Can I use a gift card for the {thing}?",
            "How do I use my voucher?",
            "Where do I enter the discount code?",
            "My coupon is refused for the {thing}.",
        ),
        ("You can enter the code in the basket before you pay.", "Please type the code into the basket. It is taken off the price."),
        ("Enter the code in the basket.",),
        ("A code can be used once.", "Mind the capital letters in the code."),
        ("code",),
    ),
    _general(
        "stock",
        (
            "Do you have a {thing}?",
            "Is the {thing} in stock?",
            "I am looking for a {thing}.",
            "Do you sell a {thing}?",
            "When is the {thing} available again?",
            "The {thing} is sold out. When does it come back?",
            "I would like to buy a {thing}.",
            "Could I order a {thing} from you?",
        ),
        ("I will check if the {thing} is in stock.", "Let me see if we have the {thing}.", "I can look whether the {thing} is available."),
        ("I will check the {thing}.",),
        ("We get new goods every week.", "I can write to you when it is there."),
        (),
    ),
    _general(
        "human",
        (
            "I want to talk to a person.",
            "Can I speak to a human?",
            "Let me talk to someone real.",
            "Connect me with your staff.",
            "I want to complain about the service.",
            "Give me your manager.",
            "Put a real employee on the line.",
        ),
        ("I will connect you with a colleague.", "A colleague will talk to you soon. I will pass on what you told me."),
        ("A colleague will call you.",),
        ("It may take some minutes.", "You do not have to say it all again."),
        ("colleague",),
    ),
)
