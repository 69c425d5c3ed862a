// @ts-check
import { conversation } from './conversation.mjs';

/** @import { Letters } from './letters.mjs' */

/** @type {Letters} */
export const romanian = {
  locale: 'ro-RO',
  greeting: ({ first, last, sex }) =>
    sex === 'f'
      ? `[[Bună ziua, doamnă ${last},||Stimată doamnă ${last},||Bună ziua, ${first},]]`
      : `[[Bună ziua, domnule ${last},||Stimate domnule ${last},||Bună ziua, ${first},]]`,
  closing: '[[Cu stimă||Cu respect||O zi bună||Toate cele bune]]',
  quoted: (date, name) => `În ${date}, ${name} a scris:`,
  forwarded: {
    title: '---------- Mesaj redirecționat ---------',
    from: 'De la',
    date: 'Data',
    subject: 'Subiect',
    to: 'Către',
  },
  products: ['înregistratoare NL-20', 'gateway-uri NX-4', 'sonde PT-100', 'contacte de ușă TK-2'],
  phone: 'Tel.',
  conversations: [
    conversation(
      'inquiry',
      '[[Cerere de ofertă: {site}||Extindere monitorizare {site}]]',
      `
      > them 0
      [[Extindem||Modernizăm]] {site} și avem nevoie de aproximativ {n} {product}, pe lângă cele instalate deja de
      dumneavoastră. Lucrările se încheie pe {date+40}.

      Vă rugăm să ne trimiteți o ofertă, cu montajul pe o linie separată. [[Bugetul se aprobă pe {date+12}.||{other}
      are nevoie de cifre pentru ședința din {date+12}.]]
      > us 1
      Vă mulțumim pentru încredere. Două întrebări înainte de ofertă:

      - Există alimentare electrică lângă ușă sau mergem pe baterii?
      - Noile puncte păstrează limitele actuale sau primesc altele?

      [[O fotografie cu tavanul l-ar ajuta pe colegul nostru să estimeze traseele de cablu.||Dacă aveți un plan al
      clădirii, putem calcula acoperirea radio.]]
      > them 2 photo
      Pe baterii, electricianul nu mai are timp până la toamnă. Limitele rămân aceleași, 2-8 °C. Atașez o fotografie
      făcută azi dimineață.
      > us 3 offer
      Atașat găsiți oferta {offer}: {n} {product}, cu montaj și calibrare în trei puncte, în total {amount} fără TVA.

      Termenul de livrare este de [[trei săptămâni de la comandă||zece zile, avem totul pe stoc]], iar prețul este
      valabil până pe {date+30}. Montajul durează o zi și nu e nevoie să goliți încăperea.
      > them 6
      Oferta este aprobată. Numărul comenzii noastre este {po}, vă rugăm să îl treceți pe factură.

      [[Ar fi posibil montajul pe {date+18}?||Pentru acces în depozit luați legătura cu {other}.]]
    `,
    ),
    conversation(
      'invoice',
      'Factura {invoice}',
      `
      > us 0 invoice
      Atașat găsiți factura {invoice} în valoare de {amount}, pentru [[livrarea din {date-6}||montajul de la {site}]].
      Termenul de plată este de 30 de zile.
      > them 4
      Pe factură lipsește numărul comenzii noastre, {po}, și nu o pot înregistra fără el. [[Codul fiscal este însă
      corect.||Vă rog să o emiteți din nou.]]
      > us 4.2 invoice
      Ne cerem scuze, numărul era în comandă și l-am omis. Factura corectată este atașată; pe prima vă rugăm să o
      ignorați.
      > them 12
      Mulțumesc, acum este în regulă. Plata se face [[pe {date+4}||săptămâna aceasta]].
    `,
    ),
    conversation(
      'alarm',
      'Alarmă la ora {time}, {site}',
      `
      > them 0
      Azi-noapte la ora {time} am primit alarmă: {t2}, la o limită de {t}. [[Când a ajuns colegul de serviciu,
      afișajul arăta din nou {t}.||Paznicul spune că nu a intrat nimeni.]]

      A fost o depășire reală sau este defectă sonda? Trebuie să completez raportul de abatere până la prânz.
      > us 0.1
      Am verificat datele brute: creștere în patru minute, scădere în unsprezece, o curbă lină. O sondă defectă sare,
      nu urcă treptat. Cel mai probabil a fost deschisă ușa.

      [[Ne puteți trimite datele din automatul de răcire?||Aveți un export din automatul instalației?]] Le suprapunem
      și vedem.
      > them 0.4 csv
      Atașez exportul. Primele rânduri sunt de la dezghețare, nu le luați în seamă.
      > us 1.1
      Este clar: ușa a stat deschisă puțin peste cinci minute începând cu ora {time}. În produs temperatura nu a
      depășit {t}, deci nu aveți nimic de casat.

      Vă propunem o întârziere a alarmei de șase minute pentru această ușă. [[O setăm noi?||Dacă sunteți de acord, o
      setăm astăzi.]]
      > them 1.3
      De acord, vă rog să o setați. [[A fost echipa de curățenie.||Vă mulțumesc, m-ați scutit de multe hârtii.]]
    `,
    ),
    conversation(
      'gateway',
      'Gateway {serial} nu mai comunică',
      `
      > them 0
      De [[aseară||la furtuna de duminică]] nu mai primim nimic în portal de la {site}. Pe gateway-ul {serial} este
      aprins ledul roșu. L-am scos din priză de două ori, fără rezultat.
      > us 0.2
      Înregistratoarele păstrează datele 30 de zile, deci nu se pierde nimic.

      Vă rugăm să [[încercați alt port de rețea||verificați cu departamentul IT dacă s-a schimbat ceva]] și să ne
      trimiteți o fotografie cu ledurile la pornire.
      > them 0.8 photo
      Am atașat fotografia. Pe celălalt port este la fel. Cei de la IT spun că nu au umblat la nimic.
      > us 1
      Mulțumim, așa arată o sursă de alimentare arsă. Un aparat nou pleacă astăzi și ajunge pe {date+2}. Cunoaște deja
      înregistratoarele, trebuie doar conectat.

      [[Pe cel vechi îl puteți returna în aceeași cutie, este în garanție.||Nu aveți nimic de plată, este în
      garanție.]]
      > them 4
      Funcționează, datele lipsă au apărut într-un minut. Aparatul vechi [[este pe drum||a plecat azi cu curierul]].
    `,
    ),
    conversation(
      'visit',
      '[[Verificarea anuală, {site}||Vizită de service {year}]]',
      `
      > us 0
      Luna viitoare este scadentă verificarea anuală a celor {n} puncte de măsură. Colegul nostru poate ajunge pe
      {date+21} sau pe {date+23}, de la ora nouă. [[Care zi vă convine?||Vă convine una dintre ele?]]

      Încăperile trebuie să fie la temperatura de lucru și avem nevoie de cineva care să le deschidă.
      > them 1
      [[Prima variantă, vă rog.||Preferăm a doua dată.]] Vizitatorii fac acum un instructaj de douăzeci de minute, așa
      că ar fi bine să veniți la opt și jumătate.
      > us 1.1 invitation
      Perfect, invitația este atașată. Echipamentul de protecție îl aducem noi.
    `,
    ),
    conversation(
      'calibration',
      'Certificate de etalonare {year}',
      `
      > them 0
      Certificatele noastre expiră pe {date+35}. Se poate face etalonarea tot la noi sau trebuie trimise sondele?

      Avem nevoie de punctele -20, 0 și +5 °C, [[cel din mijloc a fost cerut la ultima inspecție||ca anul trecut]].
      > us 1
      Se poate la dumneavoastră, venim cu baia de referință. Pentru {n} sonde în trei puncte sunt cam cinci ore.
      Activitatea continuă, fiecare sondă lipsește zece minute.
      > us 17 zip
      Toate cele {n} certificate sunt în arhiva atașată. Două sonde erau la limita toleranței ({serial} și vecina ei);
      le-am ajustat, valorile dinainte și de după sunt trecute pe certificat.

      [[Vă reamintim noi peste zece luni.||Le găsiți și în portal, la Documente.]]
      > them 18
      Le-am primit, vă mulțumim. [[Colegul dumneavoastră a avut multă răbdare cu liftul nostru de marfă.||Totul a
      decurs foarte bine.]]
    `,
    ),
    conversation(
      'project',
      'Stadiul lucrărilor: {site}',
      `
      > us 0
      Pe scurt, stadiul la {site}:

      - Cablurile și suporturile sunt montate, toate cele {n} puncte.
      - Testul radio este făcut; în spatele rafturilor nu avem semnal, adăugăm un repetor pe cheltuiala noastră.
      - Rămâne regula din firewall. Fără ea nu putem porni pe {date+9}.
      > them 0.9
      Regula este la furnizorul nostru de IT, [[spune că în două zile, deci mai degrabă patru||am cerut să fie tratată
      urgent]].

      Încă o modificare: dorim să fie inclusă și antecamera, până la urmă. Ajunge sonda existentă sau mai trebuie una?
      > us 1.2
      Este nevoie de una separată, acolo aerul se mișcă altfel la fiecare deschidere. Un punct în plus costă {extra},
      cu montaj în aceeași zi.

      Am mutat punerea în funcțiune pe {date+12}, ca să aibă timp și furnizorul.
      > them 2
      De acord. La recepție va participa {other}.
    `,
    ),
    conversation(
      'renewal',
      '[[Contractul de service din {month}||Prelungirea contractului de service]]',
      `
      > us 0 offer
      Contractul dumneavoastră de service expiră pe {date+60}. Propunerea atașată îl prelungește cu doi ani: portal,
      alarme prin SMS, înlocuire în două zile lucrătoare și verificarea anuală, {amount} pe an.

      Este cu {percent} % mai mult, [[în principal din cauza tarifelor SMS||mai puțin decât au crescut tarifele
      operatorilor]].
      > them 5
      SMS-urile nu le mai folosim, ne ajunge aplicația. Cât ar fi fără ele?

      [[Se poate plăti trimestrial?||Pentru doi ani ne așteptam și la o reducere.]]
      > us 6
      Fără SMS prețul rămâne exact cel de astăzi, cu plata în patru rate. Dacă aplicația nu ajunge la nimeni, sunăm la
      numărul lăsat de dumneavoastră; acest lucru este inclus.
      > them 9
      Foarte bine, trimiteți-l spre semnare în această formă. [[A fost un an liniștit.||]]
    `,
    ),
    conversation(
      'delivery',
      'Livrare incompletă, comanda {po}',
      `
      > them 0
      Astăzi a sosit coletul pentru comanda {po}: cele {n} {product} sunt, dar lipsesc suporturile, deși apar pe aviz.
      [[Montatorul vine pe {date+2}.||]] Cum procedăm?
      > us 0.1
      Este greșeala noastră, suporturile au rămas pe masa de ambalare. Pleacă astăzi cu curierul și ajung mâine
      înainte de ora zece.
      > them 1.1
      Suporturile au ajuns [[la timp||chiar înaintea montatorului]]. Mulțumim pentru promptitudine.
    `,
    ),
    conversation(
      'access',
      'Acces în portal pentru un coleg nou',
      `
      > them 0
      [[Din {date+5} de {site} se ocupă {other}.||{other} preia la noi gestionarea alarmelor.]] Vă rog să creați un
      cont: vizualizare și confirmarea alarmelor, fără modificarea limitelor.
      > us 0.3
      Contul este creat, invitația este pe drum, iar linkul este valabil trei zile. Rolul se numește „Operator”.

      Este cineva de șters? Două conturi nu au mai fost folosite [[din primăvară||de o jumătate de an]].
      > them 0.9
      Da, vă rog să le ștergeți pe amândouă, colegii nu mai lucrează la noi. Trebuia să vă anunț atunci.
    `,
    ),
    conversation(
      'audit',
      '[[Documente pentru inspecția din {date+8}||Inspecție: evidența temperaturilor]]',
      `
      > them 0
      Pe {date+8} avem [[inspecție de bună practică de distribuție||un audit de la un client]]. Ni se cere evidența
      completă a temperaturilor pentru {site} pe ultimul trimestru și dovada că valorile nu pot fi modificate. Ne
      puteți ajuta?
      > us 0.6 report
      Atașăm declarația privind integritatea datelor: fiecare valoare este semnată în înregistrator și poartă suma de
      control a celei dinainte, iar portalul poate doar să adauge. Trimestrul este complet, fără întreruperi.

      [[Dacă apar întrebări în ziua inspecției, ne puteți suna.||Jurnalul de modificări se găsește în portal, la
      Rapoarte.]]
      > them 9
      Am trecut inspecția fără nicio observație la lanțul frigorific. Inspectorul a cerut o copie a declarației.
    `,
    ),
    conversation(
      'export',
      'Preluarea măsurătorilor în sistemul nostru',
      `
      > them 0
      [[Noul nostru ERP trebuie să arate temperatura lângă fiecare lot.||Conducerea dorește toate măsurătorile într-un
      singur raport.]] Există o interfață sau trebuie să exportăm manual în fiecare luni?
      > us 1 csv
      Există: un apel pe încăpere și zi, valori în CSV sau JSON, cu întârziere de cel mult un minut. Cheia se creează
      în portal, la Setări.

      Atașăm ca exemplu o zi de la {site}. [[Dacă programatorul dumneavoastră are întrebări, {colleague} îl ajută cu
      plăcere.||]]
      > them 8
      Programatorul nostru a avut nevoie de o după-amiază, din care trei ore pentru fusul orar. Funcționează.
    `,
    ),
  ],
};
