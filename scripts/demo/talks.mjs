// @ts-check
import { conversation } from './conversation.mjs';

/** Talks among colleagues, each line by its first name. */
export const talks = [
  {
    daysAgo: 604,
    ...conversation(
      'talk',
      'Van on Thursday',
      `
      > jonas 0
      Hi Mara,

      I need the van on Thursday for the reference bath, it will not fit into the estate. Can your demo kit wait until
      Friday?
      > mara 0.1
      Friday is fine. There is still a box of TK-2 brackets behind the seat, please leave it in.
      > jonas 0.15
      Will do. Found a sandwich there as well, that one I did not leave in.
    `,
    ),
  },
  {
    daysAgo: 522,
    ...conversation(
      'talk',
      'Urlaubsplanung Sommer',
      `
      > mara 0
      Hallo zusammen,

      ich würde gern die letzten beiden Juliwochen nehmen. Jonas, kannst du in der Zeit die Schweizer Kunden
      übernehmen?
      > jonas 0.3
      Passt, ich bin erst im August weg. Leg mir bitte vorher die offenen Angebote in den Projektordner.
      > mara 0.4
      Mache ich, danke dir. Ich bringe Käse mit.
    `,
    ),
  },
  {
    daysAgo: 433,
    ...conversation(
      'talk',
      'Overdue: three invoices',
      `
      > sarah 0
      Mara,

      three of your customers are past 45 days: Whitmore, Löwenberg and Dunărea. Do you want me to write, or would you
      rather ring them first?
      > mara 0.2
      Let me ring Whitmore, they had the wrong PO on it. Please write to the other two, but kindly, Löwenberg has just
      ordered again.
      > sarah 6
      All three paid. Thank you.
    `,
    ),
  },
  {
    daysAgo: 318,
    ...conversation(
      'talk',
      'Portal 4.2: what customers will notice',
      `
      > ioana 0
      Hi all,

      next Tuesday we release 4.2. Customers will notice three things: the new alarm page, exports that keep the time
      zone, and that the old app needs an update before the end of the month.

      I have put answers to the likely questions into the wiki.
      > mara 0.2
      Thank you, very useful. The pharma people will ask for the validation note, is it ready?
      > ioana 0.9
      It is now. Version 4.2 has its own page with the tests that were run.
    `,
    ),
  },
  {
    daysAgo: 201,
    ...conversation(
      'talk',
      'Messestand Nürnberg',
      `
      > mara 0
      Hallo Pieter,

      für Nürnberg haben wir 12 Quadratmeter, Ecke, Halle 4. Kannst du den Kühlschrank mit der Glastür organisieren?
      Letztes Mal hat er mehr Besucher gebracht als der Kaffee.
      > pieter 1
      Hoi Mara,

      geregeld, hij wordt de dag ervoor gebracht. Ik neem zelf de trillingsdemo mee.
      > mara 1.1
      Du bist ein Schatz. Hotel ist gebucht, Frühstück ist dabei.
    `,
    ),
  },
  {
    daysAgo: 96,
    ...conversation(
      'talk',
      'Who can do Brașov in two weeks?',
      `
      > mara 0
      Hi Ioana,

      Carpați Farma wants the ante-room finished before their inspection. Could you go, or shall I ask Jonas?
      > ioana 0.2
      I can go, it is four hours by train. Please book the probes to my name, I will carry them.
      > mara 0.3
      Booked. Thank you, they will be glad to have it in Romanian for once.
    `,
    ),
  },
  {
    daysAgo: 31,
    ...conversation(
      'talk',
      'Prices from next quarter',
      `
      > sarah 0
      Hi,

      our supplier raises the NX-4 by four per cent from the first of next month. Quotations that are out keep their
      price, please use the new list for everything after that.
      > mara 0.1
      Understood. Two are out, both expire this week.
    `,
    ),
  },
  {
    daysAgo: 12,
    ...conversation(
      'talk',
      'Onboarding calls',
      `
      > ioana 0
      Hi Mara,

      I will do the portal introductions myself from now on, Tuesdays and Thursdays at ten. Just send me names and
      languages.
      > mara 0.2
      Wonderful. First one: Hotel Kaiserhof, the kitchen, in German. They are a little impatient.
    `,
    ),
  },
];
