// @ts-check
import { conversation } from './conversation.mjs';

/** @import { Letters } from './letters.mjs' */

/** @type {Letters} */
export const dutch = {
  locale: 'nl-NL',
  greeting: ({ first }) => `[[Beste||Hoi||Dag]] ${first},`,
  closing: '[[Met vriendelijke groet||Vriendelijke groeten||Groeten||Hartelijke groet]]',
  quoted: (date, name) => `Op ${date} schreef ${name}:`,
  forwarded: {
    title: '---------- Doorgestuurd bericht ---------',
    from: 'Van',
    date: 'Datum',
    subject: 'Onderwerp',
    to: 'Aan',
  },
  products: ['NL-20-loggers', 'NX-4-gateways', 'PT-100-voelers', 'TK-2-deurcontacten'],
  phone: 'T',
  conversations: [
    conversation(
      'inquiry',
      '[[Offerte voor {site}||Aanvraag meetapparatuur {site}]]',
      `
      > them 0
      We gaan {site} [[uitbreiden||verbouwen]] en hebben daarvoor ongeveer {n} {product} nodig, het liefst voor
      {date+40}. De bestaande meetpunten blijven gewoon hangen.

      Kun je een offerte sturen, met de montage als aparte regel? [[{other} moet het op {date+12} in het overleg
      verdedigen.||De begroting sluit op {date+12}.]]
      > us 1
      Leuk dat jullie weer aan ons denken. Twee vragen voordat ik ga rekenen:

      - Is er stroom bij de deur, of worden het accu-uitvoeringen?
      - Krijgen de nieuwe punten eigen grenswaarden?

      [[Een foto van het plafond helpt {colleague} om de kabelwegen in te schatten.||Heb je een plattegrond? Dan
      rekent {colleague} het radiobereik alvast door.]]
      > them 2 photo
      Accu graag, de elektricien zien we hier voorlopig niet terug. Grenswaarden hetzelfde als in de andere cellen.
      Foto van vanochtend zit erbij.
      > us 3 offer
      Hierbij offerte {offer}: {n} {product} inclusief montage en kalibratie op drie punten, samen {amount} exclusief
      btw.

      De levertijd is [[drie weken||tien dagen, alles ligt op voorraad]] en de prijs staat vast tot {date+30}. De
      montage kost een dag en de cel hoeft er niet leeg voor.
      > them 6
      Akkoord, ons ordernummer is {po}. Zet je dat op de factuur?

      [[Qua montage: {date+18} zou mooi zijn, dan is de heftruck vrij.||{other} is er die week en kan jullie
      binnenlaten.]]
    `,
    ),
    conversation(
      'invoice',
      'Factuur {invoice}',
      `
      > us 0 invoice
      In de bijlage vind je factuur {invoice} van {amount} voor [[de levering van {date-6}||de montage in {site}]]. De
      betaaltermijn is 30 dagen.
      > them 4
      Ons ordernummer {po} staat er niet op en dan komt hij niet door de controle. [[Zou je een nieuwe kunnen
      maken?||Stuur je een nieuwe? De datum mag hetzelfde blijven.]]
      > us 4.2 invoice
      Excuus, het nummer stond netjes in de bestelling en is bij ons blijven liggen. De aangepaste factuur zit erbij;
      de eerste kun je weggooien.
      > them 12
      Dank je, hij is geboekt en gaat mee met de betaalronde van {date+4}.
    `,
    ),
    conversation(
      'alarm',
      'Alarm om {time} in {site}',
      `
      > them 0
      Vannacht om {time} ging de telefoon: {t2} in {site}, de grens staat op {t}. [[Toen ik aankwam was het alweer
      {t}.||Er was niemand binnen, zegt de beveiliging.]]

      Is dat echt geweest of is de voeler aan het eind van zijn latijn? Ik moet er vandaag iets over in het logboek
      zetten.
      > us 0.1
      Ik heb de ruwe metingen bekeken: vier minuten omhoog, elf minuten omlaag, een keurige bocht. Een kapotte voeler
      springt. Ik gok op een deur.

      [[Heb je een export uit de koelregelaar?||Kun je me de gegevens van de koelregelaar sturen?]] Dan leg ik ze over
      elkaar.
      > them 0.4 csv
      Hierbij de export. De eerste regels zijn het ontdooien, die mag je overslaan.
      > us 1.1
      Duidelijk: de deur stond vanaf {time} ruim vijf minuten open, de verdamper heeft het meegeteld. In het product
      is het nooit warmer geworden dan {t}, je hoeft dus niets af te keuren.

      Mijn voorstel is een alarmvertraging van zes minuten voor deze deur. [[Zal ik hem instellen?||Eén woord en ik
      zet hem erin.]]
      > them 1.3
      Doe maar. [[Het was de schoonmaakploeg, ze hebben gebak beloofd.||En bedankt, dat scheelt een pallet in de
      container.]]
    `,
    ),
    conversation(
      'gateway',
      'Gateway {serial} is offline',
      `
      > them 0
      Sinds [[gisteravond||het onweer van zondag]] komt er niets meer binnen uit {site}. Op gateway {serial} brandt
      een rood lampje. Stekker eruit en erin helpt niet.
      > us 0.2
      De loggers bewaren zelf 30 dagen, dus er gaat niets verloren zolang de gateway stil is.

      Wil je [[een andere netwerkpoort proberen||bij jullie IT navragen of er iets aan het netwerk is veranderd]] en
      een foto van de lampjes sturen tijdens het opstarten?
      > them 0.8 photo
      Foto zit erbij, op de andere poort precies hetzelfde. IT heeft natuurlijk nergens aan gezeten.
      > us 1
      Dank, dit patroon betekent dat de voeding het heeft begeven. Vandaag gaat er een nieuwe op de post, die is er
      {date+2}. Hij kent jullie loggers al, insteken is genoeg.

      [[De oude mag in dezelfde doos terug, het valt onder de garantie.||Kosten zijn er niet aan verbonden.]]
      > them 4
      Hij doet het weer, alles was binnen een minuut bijgewerkt. De oude is [[onderweg||vanmorgen met de koerier
      mee]].
    `,
    ),
    conversation(
      'visit',
      '[[Jaarlijkse controle {site}||Onderhoudsbezoek {year}]]',
      `
      > us 0
      Volgende maand is de jaarlijkse controle van jullie {n} meetpunten aan de beurt. {colleague} kan op {date+21} of
      {date+23} vanaf een uur of negen. [[Wat komt het beste uit?||Lukt een van de twee?]]

      De cellen moeten op temperatuur zijn en er moet iemand met een sleutel in de buurt zijn.
      > them 1
      [[De eerste datum is prima.||Doe maar de tweede.]] Bezoekers moeten tegenwoordig eerst de veiligheidsfilm
      kijken, dus kom liever om half negen. Parkeren kan achter de laadkuil.
      > us 1.1 invitation
      Mooi, de uitnodiging zit erbij. {colleague} neemt zelf schoenen en helm mee.
    `,
    ),
    conversation(
      'calibration',
      'Kalibratiecertificaten {year}',
      `
      > them 0
      Onze certificaten verlopen op {date+35}. Kan het weer bij ons op locatie, of moeten de voelers dit keer
      opgestuurd worden?

      We willen graag de punten -20, 0 en +5 °C, [[de middelste is nieuw en komt van de klant||net als vorig jaar]].
      > us 1
      Op locatie kan, het referentiebad gaat mee in de bus. Voor {n} voelers op drie punten zijn we zo'n vijf uur
      bezig. Jullie kunnen gewoon doorwerken, elke voeler is tien minuten weg.
      > us 17 zip
      Alle {n} certificaten zitten in het bijgevoegde archief. Twee voelers zaten op de rand van de tolerantie
      ({serial} en zijn buurman); die hebben we afgeregeld, de waarden van voor en na staan erop.

      [[Over tien maanden trek ik weer aan de bel.||In het portaal staan ze ook, onder Documenten.]]
      > them 18
      Alles binnen, dank. En de groeten aan {colleague}, [[de goederenlift doet het weer||hij heeft engelengeduld]].
    `,
    ),
    conversation(
      'project',
      'Stand van zaken {site}',
      `
      > us 0
      Even kort hoe het ervoor staat in {site}:

      - Kabels en beugels hangen, alle {n} punten.
      - Radiotest gedaan; achter de stellingen zit een dode hoek, daar komt op onze kosten een versterker.
      - Nog open: de regel in jullie firewall. Zonder die regel halen we {date+9} niet.
      > them 0.9
      De firewall ligt bij onze IT-partner. [[Twee dagen, zeggen ze. Reken op vier.||Ik heb er een spoedje van
      gemaakt.]]

      Nog één wijziging: we willen de voorruimte er toch bij. Kan dat met de bestaande voeler of komt er een bij?
      > us 1.2
      Daar moet een eigen voeler komen, de lucht gaat er bij elke deurbeweging een andere kant op. Een punt erbij is
      {extra}, alles inbegrepen, op dezelfde dag gemonteerd.

      De oplevering heb ik naar {date+12} geschoven, dan heeft jullie partner ook lucht.
      > them 2
      Akkoord, neem hem maar mee. {other} doet de oplevering.
    `,
    ),
    conversation(
      'renewal',
      '[[Servicecontract vanaf {month}||Verlenging servicecontract]]',
      `
      > us 0 offer
      Jullie servicecontract loopt op {date+60} af. Het voorstel in de bijlage zet het twee jaar voort: portaal,
      alarmen per sms, vervanging binnen twee werkdagen en de jaarlijkse controle, voor {amount} per jaar.

      Dat is {percent} % meer, [[vooral door de sms-kosten||en daarmee minder dan wat onze provider met ons deed]].
      > them 5
      De sms'jes gebruiken we eigenlijk niet meer, de app is genoeg. Wat wordt het zonder?

      [[En kan het per kwartaal?||Voor twee jaar had ik eerlijk gezegd ook wel wat korting verwacht.]]
      > us 6
      Zonder sms blijft de prijs precies zoals hij nu is, en per kwartaal betalen is goed. Als de app niemand bereikt
      bellen we het nummer dat bij ons bekend is, dat zit er altijd in.
      > them 9
      Prima, stuur hem zo maar ter ondertekening. [[Het was een rustig jaar en dat is precies de bedoeling.||]]
    `,
    ),
    conversation(
      'delivery',
      'Levering {po} niet compleet',
      `
      > them 0
      De zending voor order {po} is binnen: {n} {product} compleet, maar de beugels ontbreken terwijl ze op de pakbon
      staan. [[De monteur komt {date+2}.||]] Wat nu?
      > us 0.1
      Foutje van ons, de beugels liggen hier nog op de inpaktafel. Ze gaan vanmiddag met de koerier mee en zijn morgen
      voor tienen bij jullie.
      > them 1.1
      De beugels zijn er, [[de monteur lacht weer||keurig op tijd]]. Dank voor het snelle schakelen.
    `,
    ),
    conversation(
      'access',
      'Toegang tot het portaal voor een nieuwe collega',
      `
      > them 0
      [[Vanaf {date+5} neemt {other} {site} over.||{other} gaat bij ons de alarmen doen.]] Kun je een account maken?
      Kijken en alarmen bevestigen, grenswaarden liever niet.
      > us 0.3
      Geregeld, de uitnodiging is onderweg en de link is drie dagen geldig. De rol heet "Bediening".

      Kan er ook iemand af? Ik zie twee accounts die [[sinds het voorjaar||al een half jaar]] niet gebruikt zijn.
      > them 0.9
      Ja, die mogen allebei weg, die mensen werken hier niet meer. Had ik toen moeten doorgeven.
    `,
    ),
    conversation(
      'audit',
      '[[Stukken voor de audit van {date+8}||Audit: temperatuurregistratie]]',
      `
      > them 0
      Op {date+8} hebben we [[de jaarlijkse audit||een audit van een grote klant]]. Ze willen een sluitende
      temperatuurregistratie van {site} over het laatste kwartaal, en bewijs dat niemand er achteraf aan kan zitten.
      Heb je daar iets voor?
      > us 0.6 report
      In de bijlage onze verklaring over de gegevens: elke meting wordt in de logger ondertekend en draagt de
      controlesom van de vorige, het portaal kan alleen toevoegen. Het kwartaal zit er zonder gaten bij.

      [[Als er op de dag zelf vragen zijn, ben ik bereikbaar.||Auditors kijken ook graag naar het wijzigingslogboek,
      dat staat onder Rapporten.]]
      > them 9
      Gehaald, geen enkele bevinding op de koeling. De auditor heeft jullie verklaring meegenomen als voorbeeld.
    `,
    ),
    conversation(
      'export',
      'Metingen in ons eigen systeem',
      `
      > them 0
      [[Ons nieuwe WMS moet bij elke partij de celtemperatuur laten zien.||We willen alle metingen in één dashboard
      hebben.]] Is er een koppeling, of moet ik elke maandag met de hand exporteren?
      > us 1 csv
      Die is er: één aanroep per cel en dag, metingen als CSV of JSON, hooguit een minuut oud. De sleutel maak je in
      het portaal onder Instellingen.

      Een dag uit {site} zit er als voorbeeld bij. [[Loopt jullie ontwikkelaar vast, dan helpt {colleague} graag.||]]
      > them 8
      Onze ontwikkelaar was er een middag mee bezig, waarvan drie uur tijdzones. Het loopt.
    `,
    ),
  ],
};
