// @ts-check
import { conversation } from './conversation.mjs';

/** Letters from and to people who are records without being contacts. */
export const strangers = [
  {
    daysAgo: 655,
    who: ['Henk Willems', 'henk@willems-advice.example'],
    ...conversation(
      'talk',
      'Introduction: Bakker Koelhuizen',
      `
      > them 0
      Beste Mara,

      Zoals besproken breng ik je graag in contact met Sanne Bakker. Zij hebben zeven hallen in de Rotterdamse haven
      en meten nog met thermometers aan een touwtje.

      Mijn voorwaarden zijn dezelfde als de vorige keer.

      Groet, Henk
      > us 0.2
      Dag Henk,

      heel graag, en dank voor het vertrouwen. Ik bel Sanne deze week nog en zet jou in de cc zodra er een offerte
      ligt.

      Groeten, Mara
    `,
    ),
  },
  {
    daysAgo: 402,
    who: ['Henk Willems', 'henk@willems-advice.example'],
    ...conversation(
      'talk',
      'Commission, second half',
      `
      > them 0
      Beste Mara,

      Volgens mijn telling staan er nog twee provisies open: Van der Meer en de wijnhandel in Bristol. Klopt dat met
      jullie lijst?

      Henk
      > us 1
      Klopt precies. Sarah maakt ze vrijdag over, je krijgt van haar een overzicht.

      Mara
      > them 5
      Binnen. Prettig zakendoen, zoals altijd.

      Henk
    `,
    ),
  },
  {
    daysAgo: 148,
    who: ['Henk Willems', 'henk@willems-advice.example'],
    ...conversation(
      'talk',
      'A hospital group in Ghent',
      `
      > them 0
      Mara,

      ik ken een ziekenhuisgroep met vier apotheken die dit jaar nog wil beslissen. Heb je een referentie in de
      farmacie die gebeld mag worden?
      > us 0.3
      Henk,

      Frau Vogelsang van het Klinikum Sonnenhof doet dat graag, zij is heel tevreden. Ik vraag het haar vanmiddag en
      laat het je weten.
    `,
    ),
  },
  {
    daysAgo: 44,
    who: ['Tom Hargreaves', 'tom.hargreaves@whitmore.example'],
    ...conversation(
      'talk',
      'Not for Whitmore this time: our farm shop',
      `
      > them 0
      Hi Mara,

      this one has nothing to do with Whitmore. My wife and I run a farm shop near Skipton, two cold rooms and an ice
      cream cabinet that has a life of its own.

      Do you do anything that small?

      Tom
      > us 0.5
      Hi Tom,

      of course. Three loggers and one gateway, no contract, and the same app you know from work. I would set it up as
      a separate account, so that the two never meet.

      Shall I send you something on paper?

      Mara
      > them 1
      Please do, to this address for now. And a short one, my wife reads it.

      Tom
    `,
    ),
  },
  {
    daysAgo: 16,
    who: ['Küche Hotel Kaiserhof', 'kueche@kaiserhof.example'],
    ...conversation(
      'talk',
      'Temperaturüberwachung für Hotelküche',
      `
      > them 0
      Guten Tag,

      wir haben Sie auf der Messe gesehen, das war der Kühlschrank mit der Glastür. Wir haben elf Kühlstellen und
      schreiben zweimal am Tag Zettel. Was kostet es, damit aufzuhören?

      Mit freundlichen Grüßen /
      Matthias Rehm, Küchenchef
      > us 0.2
      Guten Tag Herr Rehm,

      das hören wir gern. Elf Logger, ein Gateway, die Auswertung für die Lebensmittelkontrolle auf Knopfdruck: Ein
      Angebot bekommen Sie morgen. Darf Frau Muntean Ihnen vorab in zwanzig Minuten zeigen, wie es aussieht?

      Mit freundlichen Grüßen /
      Mara Lindner
      > them 0.9
      Gern, aber nicht zwischen elf und drei und nicht zwischen fünf und zehn.

      Rehm
    `,
    ),
  },
  {
    daysAgo: 63,
    who: ['Projekt Standort West', 'standort-west@klinikum-sonnenhof.example'],
    ...conversation(
      'talk',
      'Ausschreibung Standort West',
      `
      > them 0
      Sehr geehrte Frau Lindner,

      für unseren zweiten Standort schreiben wir die Temperaturüberwachung der Apotheke und der Labore aus, etwa 40
      Messstellen. Die Unterlagen gehen Ihnen in den nächsten Tagen zu, Abgabe ist in sechs Wochen.

      Mit freundlichen Grüßen /
      Projektbüro Standort West
      > us 0.4
      Sehr geehrte Damen und Herren,

      vielen Dank, wir beteiligen uns gern. Eine Frage vorab: Soll der neue Standort dieselbe Alarmkette wie das
      Haupthaus bekommen?

      Mit freundlichen Grüßen /
      Mara Lindner
      > them 3
      Sehr geehrte Frau Lindner,

      ja, die Bereitschaft der Apotheke ist für beide Häuser zuständig.

      Mit freundlichen Grüßen /
      Projektbüro Standort West
    `,
    ),
  },
  {
    daysAgo: 77,
    who: ['Project 1001', 'project1001@bakkerkoelhuizen.example'],
    ...conversation(
      'talk',
      "1001: foto's van de oude kabelgoot",
      `
      > them 0
      Beste Mara,

      de oude kabelgoot in hal 7 is leeg, jullie mogen hem gebruiken. Onze mensen hebben hem tot aan de laadkuil
      nagelopen.

      Project 1001
      > us 0.6
      Dat scheelt ons een dag, dank jullie wel. Pieter neemt het mee in de planning.

      Mara
    `,
    ),
  },
  {
    daysAgo: 27,
    who: ['Night Shift', 'nightshift@corribseafoods.example'],
    ...conversation(
      'talk',
      'Ticket 4711: freezer alarm at night',
      `
      > them 0
      Hello,

      alarm again at 03:12, -13.1 in the blast freezer, back to normal by 03:20. Third time this week and always when
      the ice machine is emptied. Please have a look.

      Night shift
      > us 0.3
      Hello,

      thank you, the note about the ice machine is the missing piece: its drain is right under our probe. Please move
      the probe to the bracket on the left for two nights and tell me if it stays quiet.

      Mara
      > them 3
      Two quiet nights. We will leave it there.

      Night shift
    `,
    ),
  },
];
