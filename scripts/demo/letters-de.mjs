// @ts-check
import { conversation } from './conversation.mjs';

/** @import { Letters } from './letters.mjs' */

/** @type {Letters} */
export const german = {
  locale: 'de-DE',
  greeting: ({ last, sex }) =>
    sex === 'f'
      ? `[[Sehr geehrte Frau ${last}||Guten Tag Frau ${last}||Hallo Frau ${last}]],`
      : `[[Sehr geehrter Herr ${last}||Guten Tag Herr ${last}||Hallo Herr ${last}]],`,
  closing: '[[Mit freundlichen Grüßen||Freundliche Grüße||Viele Grüße||Beste Grüße]]',
  quoted: (date, name) => `Am ${date} schrieb ${name}:`,
  forwarded: {
    title: '-------- Weitergeleitete Nachricht --------',
    from: 'Von',
    date: 'Datum',
    subject: 'Betreff',
    to: 'An',
  },
  products: ['Datenlogger NL-20', 'Gateways NX-4', 'Fühler PT-100', 'Türkontakte TK-2'],
  phone: 'Tel.',
  conversations: [
    conversation(
      'inquiry',
      '[[Anfrage: Messtechnik für {site}||Anfrage Erweiterung {site}||Bitte um Angebot]]',
      `
      > them 0
      wir [[bauen {site} um||erweitern {site}]] und brauchen dafür rund {n} {product}, möglichst bis {date+40}. Die
      vorhandene Anlage soll weiterlaufen, die neuen Messstellen kommen dazu.

      Können Sie uns ein Angebot machen, Montage bitte getrennt ausgewiesen? [[Die Geschäftsleitung entscheidet am
      {date+14}.||Ich brauche die Zahlen für die Investitionsplanung, die am {date+14} schließt.]]
      > us 1
      vielen Dank für Ihre Anfrage. Damit das Angebot gleich passt, zwei Fragen:

      - Sollen die neuen Messstellen eigene Grenzwerte bekommen oder die der bestehenden übernehmen?
      - Ist Strom in Türnähe vorhanden, oder planen wir mit Batterie?

      [[Ein Foto der Decke hilft Herrn Weber, die Leitungswege abzuschätzen.||Falls Sie einen Grundriss haben: Herr
      Weber rechnet Ihnen daraus die Funkabdeckung.]]
      > them 2 photo
      eigene Grenzwerte, bitte, dort wird anders eingelagert. Strom gibt es neben dem Tor, siehe Foto.

      [[Und denken Sie daran, dass wir nur bis 14 Uhr Handwerker ins Haus lassen dürfen.||]]
      > us 3 offer
      anbei unser Angebot {offer}: {n} {product} einschließlich Montage und Dreipunktkalibrierung, zusammen {amount}
      netto.

      Lieferzeit [[drei Wochen ab Bestellung||zehn Tage, alles liegt am Lager]], das Angebot gilt bis {date+30}. Für
      die Montage reicht ein Tag, der Raum muss dafür nicht leer sein.
      > them 7
      das Angebot ist freigegeben, unsere Bestellnummer lautet {po}. Bitte auf der Rechnung angeben.

      [[Wegen des Termins stimmen Sie sich am besten direkt mit {other} ab.||Passt Ihnen {date+20} für die Montage?]]
    `,
    ),
    conversation(
      'invoice',
      'Rechnung {invoice}',
      `
      > us 0 invoice
      anbei erhalten Sie die Rechnung {invoice} über {amount} [[für die Lieferung vom {date-6}||für die Montage in
      {site}]]. Bitte überweisen Sie den Betrag innerhalb von 30 Tagen ohne Abzug.
      > them 4
      auf der Rechnung fehlt unsere Bestellnummer {po}, ohne sie kann ich nicht buchen. Außerdem steht dort noch die
      alte Anschrift, [[wir sind seit Januar in der Hafenstraße||richtig ist die von der Bestellung]].

      Bitte schicken Sie eine berichtigte Fassung.
      > us 4.2 invoice
      das tut mir leid, beides hätte uns auffallen müssen. Die berichtigte Rechnung ist angehängt, die erste
      betrachten Sie bitte als gegenstandslos.
      > them 12
      danke, so passt es. Die Zahlung geht [[mit dem nächsten Lauf am {date+4}||heute]] raus.
    `,
    ),
    conversation(
      'alarm',
      'Alarm um {time} Uhr, {site}',
      `
      > them 0
      heute Nacht um {time} Uhr kam ein Alarm: {t2} bei einem Grenzwert von {t}. [[Unsere Bereitschaft war nach
      zwanzig Minuten vor Ort, da war alles wieder normal.||Als der Wachdienst nachsah, stand die Anzeige schon wieder
      bei {t}.]]

      War das echt, oder spinnt der Fühler? Ich muss den Vorfall bis heute Mittag bewerten.
      > us 0.1
      ich habe mir die Rohdaten angesehen: vier Minuten Anstieg, elf Minuten Abfall, schön gleichmäßig. Ein defekter
      Fühler springt, der schleicht nicht. Ich tippe auf eine offene Tür.

      [[Haben Sie Aufzeichnungen der Kältesteuerung?||Können Sie mir die Werte Ihrer Kältesteuerung schicken?]] Dann
      lege ich beides übereinander.
      > them 0.5 csv
      hier der Auszug aus der Steuerung. Die ersten Zeilen sind die Abtauung, die können Sie überspringen.
      > us 1.1
      damit ist es klar: Die Tür stand ab {time} Uhr gut fünf Minuten offen, der Verdampfer hat es mitgezählt. Im
      Produkt waren es nie mehr als {t}, es ist also nichts zu verwerfen.

      Ich schlage für diese Tür eine Alarmverzögerung von sechs Minuten vor. [[Soll ich sie einstellen?||Ein Wort von
      Ihnen, und ich stelle es um.]]
      > them 1.2
      bitte einstellen. [[Es war die Reinigung, wie sich herausstellt.||Vielen Dank, das erspart mir eine Menge
      Papier.]]
    `,
    ),
    conversation(
      'gateway',
      'Gateway {serial} meldet sich nicht mehr',
      `
      > them 0
      seit [[gestern Abend||dem Gewitter am Wochenende]] kommt aus {site} nichts mehr im Portal an. Am Gateway
      {serial} leuchtet es rot, auch nach Ziehen des Steckers.
      > us 0.2
      keine Sorge um die Messwerte: Die Logger speichern 30 Tage selbst und liefern nach, sobald das Gateway wieder da
      ist.

      Würden Sie bitte [[einen anderen Netzwerkanschluss probieren||prüfen lassen, ob am Netzwerk etwas geändert
      wurde]] und mir ein Foto der Lämpchen beim Start schicken?
      > them 0.9 photo
      Foto anbei. Am anderen Anschluss dasselbe. Unsere IT hat angeblich "nichts angefasst".
      > us 1
      danke, dieses Muster heißt: Netzteil im Gerät defekt. Ein Austauschgerät geht heute raus und ist am {date+2} bei
      Ihnen. Es kennt Ihre Logger schon, Sie müssen es nur einstecken.

      [[Das alte bitte in derselben Schachtel zurück, der Aufkleber liegt bei. Es ist Garantie.||Kosten entstehen
      Ihnen keine, das ist ein Garantiefall.]]
      > them 4
      läuft wieder, die fehlenden Werte waren nach einer Minute da. Das alte Gerät ist [[unterwegs||heute in die Post
      gegangen]].
    `,
    ),
    conversation(
      'visit',
      '[[Jährliche Prüfung {site}||Wartungstermin {year}]]',
      `
      > us 0
      im kommenden Monat ist die jährliche Prüfung Ihrer {n} Messstellen fällig. Herr Weber könnte am {date+21} oder
      am {date+23} ab neun Uhr bei Ihnen sein. [[Welcher Tag passt besser?||Passt einer der beiden Tage?]]

      Die Räume sollten auf Betriebstemperatur sein, und jemand müsste sie aufschließen.
      > them 1
      [[der erste Termin passt||wir nehmen den zweiten Termin]]. Bitte beachten Sie: Besucher brauchen neuerdings eine
      Hygieneunterweisung, zwanzig Minuten, also besser um halb neun an der Pforte melden.
      > us 1.1 invitation
      wunderbar, die Einladung hängt an. Herr Weber bringt Überschuhe und Haube selbst mit.
    `,
    ),
    conversation(
      'calibration',
      'Kalibrierscheine {year}',
      `
      > them 0
      unsere Kalibrierscheine laufen am {date+35} ab. Können Sie wieder vor Ort kalibrieren, oder müssen die Fühler
      diesmal eingeschickt werden?

      Wir bräuchten die Punkte -20, 0 und +5 °C, [[der mittlere ist neu und kommt von der Aufsicht||wie beim letzten
      Mal]].
      > us 1
      vor Ort geht, das Referenzbad fährt im Wagen mit. Für {n} Fühler an drei Punkten rechnen wir mit fünf Stunden.
      Der Betrieb läuft weiter, jeder Fühler fehlt nur zehn Minuten.
      > us 17 zip
      alle {n} Kalibrierscheine finden Sie im angehängten Archiv. Zwei Fühler lagen am Rand der Toleranz ({serial} und
      der Nachbar), wir haben sie justiert; die Werte vorher und nachher stehen auf dem Schein.

      [[In zehn Monaten erinnere ich Sie wieder.||Im Portal liegen sie unter Dokumente ebenfalls.]]
      > them 18
      alles angekommen, herzlichen Dank. Richten Sie Herrn Weber bitte einen Gruß aus, [[der Lastenaufzug fährt
      inzwischen wieder||er hat hier Eindruck gemacht]].
    `,
    ),
    conversation(
      'project',
      'Projektstand {site}',
      `
      > us 0
      kurz der Stand in {site}:

      - Leitungen und Halter sind montiert, alle {n} Messstellen.
      - Funktest erledigt, hinter dem Hochregal gibt es ein Loch; der Verstärker geht auf unsere Kosten.
      - Offen ist die Freischaltung in Ihrer Firewall. Ohne sie können wir am {date+9} nicht in Betrieb gehen.
      > them 0.9
      die Freischaltung liegt bei unserem Dienstleister, [[zwei Tage, sagt er, also eher vier||ich habe sie als
      dringend gemeldet]].

      Eine Änderung noch: Der Vorraum soll doch mit überwacht werden. Reicht der vorhandene Fühler, oder braucht es
      einen weiteren?
      > us 1.2
      der Vorraum braucht einen eigenen, dort geht die Luft bei jedem Öffnen andere Wege. Eine Messstelle mehr sind
      {extra} einschließlich Einbau am selben Tag.

      Die Inbetriebnahme habe ich auf {date+12} gelegt, dann hat auch Ihr Dienstleister Luft.
      > them 2
      einverstanden, bitte mit einplanen. Zur Abnahme kommt {other}.
    `,
    ),
    conversation(
      'renewal',
      '[[Wartungsvertrag ab {month}||Verlängerung Ihres Wartungsvertrags]]',
      `
      > us 0 offer
      Ihr Wartungsvertrag endet am {date+60}. Der angehängte Vorschlag führt ihn zwei Jahre weiter: Portal, Alarm per
      SMS, Austausch binnen zwei Werktagen und die jährliche Prüfung, {amount} im Jahr.

      Das sind {percent} % mehr als bisher, [[im Wesentlichen die gestiegenen SMS-Gebühren||die Gebühren der
      Netzbetreiber sind leider stärker gestiegen]].
      > them 5
      die SMS nutzen wir kaum noch, die App genügt uns. Was kostet es ohne?

      [[Und wäre eine vierteljährliche Zahlung möglich?||Bei zwei Jahren Laufzeit hätte ich außerdem mit einem
      Nachlass gerechnet.]]
      > us 6
      ohne SMS bleibt es genau beim heutigen Preis, zahlbar gern in vier Raten. Wenn die App niemanden erreicht, rufen
      wir die hinterlegte Nummer an, das ist immer dabei.
      > them 9
      so machen wir es. Bitte schicken Sie den Vertrag zur Unterschrift. [[Ein ruhiges Jahr mit Ihnen, gern weiter
      so.||]]
    `,
    ),
    conversation(
      'delivery',
      'Lieferung zu Bestellung {po} unvollständig',
      `
      > them 0
      heute kam die Lieferung zu {po}: {n} {product} sind da, die Halterungen fehlen, obwohl sie auf dem Lieferschein
      stehen. [[Unser Monteur ist für {date+2} bestellt.||]] Wie verbleiben wir?
      > us 0.1
      das ist unser Fehler, die Halterungen liegen hier noch auf dem Packtisch. Sie gehen heute Nachmittag per Kurier
      raus und sind morgen vor zehn bei Ihnen.
      > them 1.1
      die Halterungen sind da, [[der Monteur ist versöhnt||rechtzeitig]]. Danke für die schnelle Hilfe.
    `,
    ),
    conversation(
      'access',
      'Zugang zum Portal',
      `
      > them 0
      [[ab {date+5} kümmert sich {other} um {site}||{other} macht bei uns künftig die Vertretung]]. Richten Sie bitte
      einen Zugang ein: ansehen und Alarme quittieren, Grenzwerte ändern bitte nicht.
      > us 0.3
      erledigt, die Einladung ist unterwegs, der Link gilt drei Tage. Die Rolle heißt "Bedienung".

      Soll jemand gestrichen werden? Zwei Zugänge wurden [[seit dem Frühjahr||seit einem halben Jahr]] nicht benutzt.
      > them 0.9
      ja, bitte beide löschen, die Kollegen sind nicht mehr bei uns. Das hätte ich Ihnen damals sagen müssen.
    `,
    ),
    conversation(
      'audit',
      '[[Audit am {date+8}: Unterlagen||Nachweise für die Aufsicht]]',
      `
      > them 0
      am {date+8} haben wir [[unser jährliches Audit||Besuch von der Aufsicht]]. Gewünscht werden lückenlose
      Temperaturnachweise für {site} aus dem letzten Quartal, und ein Beleg, dass niemand die Werte nachträglich
      ändern kann. Haben Sie dafür etwas?
      > us 0.6 report
      angehängt ist unsere Erklärung zur Datenintegrität: Jeder Messwert wird im Logger signiert und trägt die
      Prüfsumme seines Vorgängers, das Portal kann nur anfügen. Das Quartal liegt lückenlos bei.

      [[Wenn am Tag selbst Fragen kommen, erreichen Sie mich am Telefon.||Gern gesehen wird auch das
      Änderungsprotokoll, Sie finden es unter Berichte.]]
      > them 9
      bestanden, ohne eine einzige Abweichung bei der Kühlung. Der Prüfer hat sich Ihre Erklärung kopiert.
    `,
    ),
    conversation(
      'export',
      'Messwerte in unser ERP übernehmen',
      `
      > them 0
      [[unser neues ERP soll zu jeder Charge die Raumtemperatur zeigen||wir möchten die Messwerte im Data Warehouse
      haben]]. Gibt es eine Schnittstelle, oder muss ich jeden Montag von Hand exportieren?
      > us 1 csv
      die gibt es: ein Aufruf je Raum und Tag, Werte als CSV oder JSON, höchstens eine Minute alt. Den Schlüssel
      erzeugen Sie im Portal unter Einstellungen.

      Ein Tag aus {site} hängt als Beispiel an. [[Bei Fragen hilft Herr Weber Ihrem Entwickler gern weiter.||]]
      > them 8
      hat unseren Entwickler einen Nachmittag gekostet, davon drei Stunden Zeitzonen. Läuft.
    `,
    ),
  ],
};
