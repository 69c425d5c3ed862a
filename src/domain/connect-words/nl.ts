import type { ConnectTexts } from './words';

export const connectTextsNl: ConnectTexts = {
  checkLogin:
    'Controleer beide; bij verificatie in twee stappen willen de meeste aanbieders een app-wachtwoord dat hiervoor is gemaakt.',
  found: {
    mx: 'De mail van dit domein gaat naar de servers van een bekende aanbieder, dus dit is waarschijnlijk de IMAP-server ervan.',
    srv: 'De DNS van dit domein noemt deze IMAP-server.',
    guess: 'Onder een naam die voor dit domein gebruikelijk is, antwoordt een IMAP-server.',
  },
  warnings: {
    'capped-listing':
      'De server telt in een map meer berichten dan hij toont. Wat hij niet toont, kan niet worden overgenomen: verplaats bij de aanbieder oudere mail naar eigen mappen.',
    'message-limit':
      'Deze aanbieder toont programma’s maar een deel van een grote map, dus volledigheid is niet te bewijzen. Houd mappen klein; Yahoo en AOL tonen er hoogstens 10.000 berichten van.',
    'no-sent-folder':
      'De server noemt geen map voor verzonden mail. Verzonden antwoorden kunnen in de historie ontbreken; kijk of een van de mappen het is, en of die wordt overgenomen.',
    'sent-out-of-scope':
      'De map met verzonden mail wordt niet overgenomen, dus van elk gesprek zal de helft ontbreken.',
    'inbox-out-of-scope':
      'INBOX wordt niet overgenomen, dus nieuwe mail wordt pas gezien als die naar een map is verplaatst die dat wel wordt.',
    'nothing-in-scope': 'Er is geen map gekozen, dus er zou niets worden overgenomen. Wijzig `policy.folders`.',
    'all-mail-hidden':
      'Gmail verbergt "Alle e-mail" voor deze verbinding, dus gearchiveerde mail zonder label is niet te zien. Vink in Gmail bij Instellingen, Labels, voor Alle e-mail "In IMAP weergeven" aan.',
    'labels-overlap':
      'Gmail toont een bericht onder elk van zijn labels één keer. De aantallen van de mappen overlappen, dus er zijn minder berichten dan hun som.',
    'quota-nearly-full':
      'Het account is bijna vol en zal binnenkort mail weigeren. Maak ruimte, of vraag de aanbieder om meer.',
    'too-many-folders':
      'De mailbox heeft meer mappen dan is toegestaan. Kies in de policy de mappen waar het om gaat, of verhoog LETTERBOOK_MAX_FOLDERS.',
    'count-unknown': 'De server zegt niet hoeveel berichten er in een van de gekozen mappen zijn.',
    'not-all-looked-into':
      'Niet in elke gekozen map is gekeken: de tijd was om, het zijn er te veel, of de server weigerde. Wat zou worden overgenomen, is geschat.',
  },
};
