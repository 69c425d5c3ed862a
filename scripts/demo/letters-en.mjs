// @ts-check
import { conversation } from './conversation.mjs';

/** @import { Letters } from './letters.mjs' */

/** @type {Letters} */
export const english = {
  locale: 'en-GB',
  greeting: ({ first }) => `[[Dear||Hi||Hello]] ${first},`,
  closing: '[[Best regards||Kind regards||Regards||All the best]]',
  quoted: (date, name) => `On ${date}, ${name} wrote:`,
  forwarded: {
    title: '---------- Forwarded message ---------',
    from: 'From',
    date: 'Date',
    subject: 'Subject',
    to: 'To',
  },
  products: ['NL-20 loggers', 'NX-4 gateways', 'PT-100 probes', 'TK-2 door contacts'],
  phone: 'T',
  conversations: [
    conversation(
      'inquiry',
      '[[Quotation for {site}||Temperature monitoring for {site}||Extending our monitoring]]',
      `
      > them 0
      We are [[extending||rebuilding]] {site} and will need about {n} {product} on top of what you installed for us.
      [[The shell should be finished by {date+40}.||Our builder promises to be out by {date+40}, so I am planning for
      the week after.]]

      Could you send a quotation, with installation as a separate line? {other} needs it for the budget meeting on
      {date+12}.
      > us 1
      Thank you for thinking of us. Two questions before I put figures on paper:

      - Is there mains power within ten metres of the door, or do you want battery units?
      - Should the new points report into your existing portal account or into one of their own?

      [[A photo of the ceiling would help {colleague} to estimate the cable runs.||If you still have the floor plan,
      {colleague} can work out the radio coverage from it.]]
      > them 2 photo
      Battery units, please, the electrician is not coming back for this. And the same portal account: one login is
      already one too many for the night shift.

      I attach a photo from this morning.
      > us 3 offer
      Please find quotation {offer} attached: {n} {product}, fitted and calibrated at three points, {amount} in total.

      [[Delivery is three weeks from order.||We have everything in stock, so delivery is ten days from order.]] The
      price holds until {date+30}. Installation is a day's work for two people and does not need the room to be empty.
      > them 6
      Approved. Our purchase order is {po}, please quote it on the invoice.

      [[Could we say {date+18} for the installation?||{other} will be on site and can let your people in.]]
    `,
    ),
    conversation(
      'invoice',
      'Invoice {invoice}',
      `
      > us 0 invoice
      Please find attached invoice {invoice} for {amount}, covering [[the delivery of {date-6}||the installation at
      {site}]]. Payment is due within 30 days.
      > them 4
      I cannot book this one: our purchase order number is missing, and the system rejects anything without it. It is
      {po}.

      Could you re-issue? [[The due date can stay as it is.||No rush, the next payment run is on {date+9}.]]
      > us 4.2 invoice
      Sorry about that, the number was in the order and we failed to copy it over. A corrected copy is attached;
      please discard the first one.
      > them 13
      Thanks, booked. It goes out with the run on {date+3}.
    `,
    ),
    conversation(
      'alarm',
      'Alarm at {time}: {site}',
      `
      > them 0
      The on-call phone rang at {time} last night: {t2} in {site}, limit {t}. [[By the time I got there the display
      showed {t} again.|| Nobody had been in since ten.]]

      Is that a real excursion or is the sensor going? I have to write something into the log before the shift
      changes.
      > us 0.1
      I had a look at the raw data: the rise took four minutes and the fall eleven, which is a door and not a sensor.
      A failing probe jumps, it does not curve.

      Do you log the door contact somewhere? [[If you can send me the last 24 hours I will lay them over each
      other.||An export from the controller is enough, any format.]]
      > them 0.4 csv
      Here is the export from the controller. Ignore the first rows, that was the defrost.
      > us 1.1
      That settles it: the door was open from {time} for a little over five minutes, by the evaporator's own count.
      The product sensor never went above {t}, so nothing was lost.

      I suggest an alarm delay of six minutes for this door, as you have for the others. [[Shall I set it?||Say the
      word and I will change it today.]]
      > them 1.3
      Please do. [[It was the cleaning crew, they have owned up.||And thank you, I would have thrown away half a
      pallet.]]
    `,
    ),
    conversation(
      'gateway',
      'Gateway {serial} offline',
      `
      > them 0
      Since [[yesterday evening||the thunderstorm on Sunday]] the gateway {serial} shows a red light and nothing from
      {site} arrives in the portal. We pulled the plug twice, no change.
      > us 0.2
      The loggers keep up to 30 days by themselves, so nothing is lost while the gateway is silent.

      Would you [[try another network port||check whether your IT people changed the guest network]] and send me a
      photo of the lights while it starts?
      > them 0.8 photo
      Photo attached. Same on the other port. Our IT says they have "changed nothing", for what that is worth.
      > us 1
      Thank you, that pattern means the power stage is gone. A replacement leaves us today and should be with you on
      {date+2}; it knows your loggers already, so plugging it in is all there is to do.

      Please send the old one back in the same box, the label is inside. [[It is under warranty, there is nothing to
      pay.||No charge, of course.]]
      > them 4
      Replacement is running, the backlog came in within a minute. [[Old one is on its way.||The old one went out with
      this morning's courier.]]
    `,
    ),
    conversation(
      'visit',
      '[[Annual check at {site}||Service visit]]',
      `
      > us 0
      The annual check of your {n} measuring points is due next month. {colleague} could be with you on {date+21} or
      {date+23}, from about nine. [[Which would suit you better?||Would either work?]]

      We need the rooms at operating temperature and somebody who may open them.
      > them 1
      [[The first date, please.||The second date suits us better.]] Note that visitors now need the hygiene briefing,
      it takes twenty minutes, so better come at half past eight. Parking is behind the loading bay.
      > us 1.1 invitation
      Perfect, the invitation is attached. {colleague} brings his own shoes and hairnet.
    `,
    ),
    conversation(
      'calibration',
      'Calibration certificates {year}',
      `
      > them 0
      Our certificates run out on {date+35}. Can you calibrate on site again, or do the probes have to travel this
      time?

      {other} would like the points at -20, 0 and +5 °C, [[the customer has started to ask for the middle one||as in
      the last audit]].
      > us 1
      On site is fine, the reference bath comes in the van. Three points for {n} probes is about five hours; you can
      keep working, each probe is out of its room for ten minutes.
      > us 17 zip
      All {n} certificates are in the attached archive. Two probes were at the edge of their tolerance ({serial} and
      its neighbour); we have adjusted them and noted the values before and after.

      [[Next due date is in twelve months, I will remind you in ten.||They are in the portal as well, under
      Documents.]]
      > them 18
      Received, thank you. {colleague} was very patient with our freight lift.
    `,
    ),
    conversation(
      'project',
      '{site}: where we are',
      `
      > us 0
      A short status for {site}:

      - Cables and mounting plates are in, {n} of {n} points.
      - Radio test done, one dead corner behind the racking; we add a repeater at our cost.
      - Open: your firewall rule for the gateway. Without it we cannot go live on {date+9}.
      > them 0.9
      The firewall rule is with our provider. [[They say two days, so I would plan for four.||I have asked them to
      treat it as urgent.]]

      One change: we want the ante-room included after all. Is that one more sensor or does the existing one reach?
      > us 1.2
      It needs its own, air moves differently there whenever the curtain opens. One more point is {extra} all in, and
      it can be fitted on the same day.

      I have moved go-live to {date+12}, so that your provider has some air too.
      > them 2
      Agreed, go ahead with the additional point. {other} will be there to sign off.
    `,
    ),
    conversation(
      'renewal',
      '[[Service agreement from {month}||Renewal of the service agreement]]',
      `
      > us 0 offer
      Your service agreement ends on {date+60}. The attached proposal continues it for two years: portal, SMS alarms,
      replacement within two working days and the yearly check, {amount} a year.

      The price is {percent} % up, [[mostly SMS charges||which is less than what our carrier did to us]].
      > them 5
      We hardly ever use the SMS part, the app does the job. What would it be without?

      [[And can we pay quarterly?||For two years I would also expect some discount, if I am honest.]]
      > us 6
      Without SMS the price stays exactly where it is today, and I can spread it over four payments. If the app cannot
      reach anybody, we call the number you leave with us; that is included.
      > them 9
      Good, then please send it for signature in that form. [[It has been a quiet year, which is how I like it.||]]
    `,
    ),
    conversation(
      'delivery',
      'Delivery {po} incomplete',
      `
      > them 0
      The parcel for order {po} arrived today with {n} {product}, but the mounting brackets are missing and the
      delivery note claims they are in there. [[Our fitter is booked for {date+2}.||]] What do we do?
      > us 0.1
      That is our mistake, the brackets are still on the packing table here. They go out by courier this afternoon and
      will be with you tomorrow before ten. Tracking follows by SMS.
      > them 1.1
      Brackets are here, [[and the fitter has stopped sulking||in time]]. Thanks for the quick turnaround.
    `,
    ),
    conversation(
      'access',
      'Portal access for a new colleague',
      `
      > them 0
      [[From {date+5} {other} looks after {site}.||We have a new shift leader, {other}.]] Can you set up access to the
      portal? Viewing and acknowledging alarms, no changes to limits.
      > us 0.3
      Done, {other} gets an invitation with a link that is valid for three days. The role is called "Operator".

      Should anybody be taken off the list? I see two logins that have not been used [[since spring||for half a
      year]].
      > them 0.9
      Yes, please remove both, they have left the company. I should have told you then.
    `,
    ),
    conversation(
      'audit',
      '[[Auditor asks for records||Documents for the audit on {date+8}]]',
      `
      > them 0
      We have [[BRCGS||a customer audit]] on {date+8}, and the auditor wants gap-free temperature records for {site}
      for the last quarter, plus proof that nobody can alter them. Can you help me with the second part?
      > us 0.6 report
      Attached is our statement on data integrity: readings are signed in the logger, each one carries the hash of the
      one before, and the portal can only append. The quarter's readings are in the second file, without a gap.

      [[If the auditor has questions, I can be on the phone.||Auditors usually like to see the audit trail itself; it
      is under Reports.]]
      > them 9
      Passed, no deviations on the cold chain for once. The auditor took a copy of your statement home as an example.
    `,
    ),
    conversation(
      'export',
      'Getting readings into our own system',
      `
      > them 0
      [[Our new ERP should show the room temperature next to each batch.||Head office wants all readings in one data
      warehouse.]] Is there an interface, or do I have to export by hand every Monday?
      > us 1 csv
      There is an interface: one call per room and day, readings as CSV or JSON, at most a minute old. A key is made
      in the portal under Settings.

      I attach a day's worth from {site} as an example. [[If your developer gets stuck, {colleague} is happy to
      help.||]]
      > them 8
      It took our developer an afternoon, most of it spent on time zones. Works well.
    `,
    ),
  ],
};
