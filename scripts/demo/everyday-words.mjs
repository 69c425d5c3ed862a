// @ts-check
/** Words of everything that arrives beside the conversations with customers. */

/** Newsletters: who, in which language, and what they have written about. */
export const newsletters = [
  {
    name: 'Kühlkette aktuell',
    address: 'redaktion@kuehlkette-aktuell.example',
    list: 'kuehlkette-aktuell',
    everyDays: 30,
    title: 'Kühlkette aktuell, Ausgabe',
    intro: 'guten Morgen aus der Redaktion. Das lesen Sie in dieser Ausgabe:',
    stop: 'Newsletter abbestellen',
    topics: [
      ['Propan statt Frigen', 'Drei Betriebe berichten, was die Umstellung gekostet und was sie gebracht hat.'],
      ['Die neue F-Gase-Verordnung', 'Welche Anlagen ab wann nicht mehr nachgefüllt werden dürfen, in einer Tabelle.'],
      ['Torluftschleier nachgemessen', 'Hersteller versprechen 80 Prozent, im Alltag bleiben gut 50. Woran das liegt.'],
      ['Wenn der Fühler lügt', 'Fünf Einbaufehler, die jede Auswertung wertlos machen.'],
      ['Abwärme für die Kantine', 'Eine Molkerei heizt mit ihren Verdichtern und spart das Gas.'],
      [
        'Dienstpläne für die Bereitschaft',
        'Wie kleine Betriebe nachts erreichbar bleiben, ohne jemanden zu verschleißen.',
      ],
      ['Leser fragen', 'Darf der Temperaturschreiber zum Abtauen abgeschaltet werden? Unser Jurist antwortet.'],
    ],
  },
  {
    name: 'Cold Chain Review',
    address: 'news@coldchainreview.example',
    list: 'cold-chain-review',
    everyDays: 61,
    title: 'Cold Chain Review: number',
    intro: 'Good morning. In this issue:',
    stop: 'Unsubscribe',
    topics: [
      [
        'Who pays for the last metre?',
        'Most excursions happen on the pavement outside the shop. A study of 4,000 deliveries.',
      ],
      ['Dry ice is short again', 'What breweries, of all people, have to do with it.'],
      ['Vaccines by bicycle', 'A pilot in Utrecht has run for a year without a single rejected box.'],
      ['Reading the small print', 'Insurers now ask for logger data. We compared five policies.'],
      ['Obituary: the paper chart recorder', 'It never lost a byte.'],
    ],
  },
  {
    name: 'Koeltechniek Nieuws',
    address: 'redactie@koeltechnieknieuws.example',
    list: 'koeltechniek',
    everyDays: 91,
    title: 'Koeltechniek Nieuws',
    intro: 'Dit is er de afgelopen tijd gebeurd in de koude wereld:',
    stop: 'Afmelden',
    topics: [
      ['CO2-installaties in de praktijk', 'Vier monteurs over drukken, pech en de tweede winter.'],
      ['Netcongestie in het vrieshuis', 'Hoe drie koelhuizen hun verbruik naar de nacht schuiven.'],
      ['Subsidie loopt af', 'Aanvragen kan nog tot het einde van het kwartaal.'],
      ['Bloemen houden niet van tocht', 'Onderzoek naar luchtsnelheid in de koelcel.'],
    ],
  },
];

/** Out-of-office answers, by language. */
export const absences = {
  en: {
    subject: 'Automatic reply:',
    text: 'I am out of the office until {date+9} with no access to e-mail. For anything urgent please ring the site office.\n\nYour message will not be forwarded.',
  },
  de: {
    subject: 'Automatische Antwort:',
    text: 'vielen Dank für Ihre Nachricht. Ich bin bis {date+9} nicht im Haus; E-Mails werden nicht weitergeleitet. In dringenden Fällen wenden Sie sich bitte an die Zentrale.',
  },
  nl: {
    subject: 'Automatisch antwoord:',
    text: 'Ik ben tot {date+9} met vakantie en lees mijn mail niet. Voor dringende zaken kun je het algemene nummer bellen.',
  },
  ro: {
    subject: 'Răspuns automat:',
    text: 'Vă mulțumesc pentru mesaj. Sunt în concediu până pe {date+9} și nu am acces la e-mail. Pentru urgențe vă rog să sunați la secretariat.',
  },
};

export const acceptances = { en: 'Accepted:', de: 'Zusage:', nl: 'Geaccepteerd:', ro: 'Acceptat:' };

/** What the portal reports by itself. */
export const portalAlarms = [
  'Gateway offline for 15 minutes',
  'Battery below 10 %',
  'Limit exceeded, acknowledged by user',
  'Calibration due in 60 days',
];

/** Nobody asked for these. */
export const junk = [
  [
    'Dr. James Okoro',
    'barrister@trusted-funds.example',
    'URGENT BUSINESS PROPOSAL',
    'Dear Friend,\n\nI am contacting you regarding the sum of 14.5 million dollars left by a late client who shares your family name. Kindly reply with your full details so that we may proceed.',
  ],
  [
    'Paketdienst',
    'zustellung@paket-info.example',
    'Ihr Paket konnte nicht zugestellt werden',
    'Sehr geehrter Kunde,\n\nfür Ihre Sendung sind Zollgebühren von 1,99 € offen. Bitte bestätigen Sie die Zahlung innerhalb von 24 Stunden.',
  ],
  [
    'SEO Experts',
    'rank@first-page.example',
    'Your website is losing customers',
    'Hi there,\n\nI was going through your website and found several errors that keep you from page one. Shall I send you a free report?',
  ],
  [
    'Casino Royal',
    'bonus@spin-win.example',
    '250 Freispiele warten auf Sie!',
    'Nur heute: Ihr persönlicher Willkommensbonus. Jetzt einlösen und sofort losspielen!',
  ],
  [
    'Mail Administrator',
    'admin@webmail-upgrade.example',
    'Your mailbox is almost full',
    'Dear user,\n\nyour mailbox has reached 98 % of its storage. Upgrade now to avoid losing messages.',
  ],
  [
    'Banca ta online',
    'securitate@verificare-cont.example',
    'Contul dumneavoastră a fost suspendat',
    'Stimate client,\n\nam detectat o activitate neobișnuită. Confirmați datele cardului în cel mult 12 ore.',
  ],
  [
    'Belastingteruggave',
    'info@teruggave-nu.example',
    'U krijgt € 384,20 terug',
    'Geachte heer/mevrouw,\n\nu heeft recht op een teruggave. Klik om uw rekeningnummer te bevestigen.',
  ],
  [
    'Wendy',
    'wendy@stainless-fasteners.example',
    'Stainless screw manufacturer from 1998',
    'Dear purchasing manager,\n\nwe are a professional manufacturer of stainless steel screws with 25 years experience. Please tell us your daily demand.',
  ],
];
