import { htmlToText } from '../../../src/mail/parse/html-to-text';
import { messageOf, read } from './message-of';

function textOf(headers: string[], body: string | Buffer, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  return read(messageOf({ headers, body, encoding })).text;
}

const quoted = 'Content-Transfer-Encoding: quoted-printable';
const base64 = 'Content-Transfer-Encoding: base64';

test.each([
  ['f=C3=BCr', 'für'],
  ['soft=\nbreak', 'softbreak'],
  ['soft= \nbreak', 'softbreak'],
  ['lower=c3=bc', 'lowerü'],
  ['broken =G1 = end', 'broken =G1 = end'],
  ['space at the end  \nnext', 'space at the end\nnext'],
  ['meant=20\nnext', 'meant \nnext'],
  ['end=', 'end'],
  ['=', ''],
])('quoted-printable %p is %p', (body, text) => {
  expect(textOf([quoted], body)).toBe(text);
});

test.each([
  ['SGVsbG8=', 'Hello'],
  ['SGVs\nbG8=\n', 'Hello'],
  ['SGVsbG8', 'Hello'],
  ['SGVs!bG8=', 'Hello'],
  ['SGVsbG8=\nIFdvcmxk', 'Hello World'],
  ['YQ==Yg==', 'ab'],
  ['SGVsbG8= ignored', 'Hello'],
  ['', ''],
])('base64 %p is %p', (body, text) => {
  expect(textOf([base64], body)).toBe(text);
});

test('an encoding that nobody knows is none', () => {
  expect(textOf(['Content-Transfer-Encoding: x-unknown'], 'Hello')).toBe('Hello');
});

test.each([
  ['iso-8859-1', 'Gr\u00fc\u00dfe \u0080', 'Grüße €'],
  ['"ISO-8859-15"', '\u00a4', '€'],
  ['windows-1251', '\u00cf', 'П'],
  ['utf-8', 'Gr\u00fc\u00dfe', 'Grüße'],
  ['us-ascii', 'Gr\u00fc\u00dfe', 'Grüße'],
  ['nobody-knows', 'Gr\u00fc\u00dfe', 'Grüße'],
  ['utf-7', '+AGE-', '+AGE-'],
])('bytes of a text in %s are read', (charset, bytes, text) => {
  expect(textOf([`Content-Type: text/plain; charset=${charset}`], bytes, 'latin1')).toBe(text);
});

test('undeclared bytes are UTF-8 where they are, else windows-1252', () => {
  expect(textOf([], 'Grüße 日本')).toBe('Grüße 日本');
  expect(textOf([], 'Gr\u00fc\u00dfe \u0093x\u0094', 'latin1')).toBe('Grüße “x”');
});

test('UTF-8 with a broken character keeps the others', () => {
  const broken = Buffer.concat([Buffer.from('für '), Buffer.from([0xc3])]);
  expect(textOf(['Content-Type: text/plain; charset=utf-8'], broken)).toBe('für \ufffd');
});

test('ISO-2022-JP and UTF-16, whose bytes look like something else, are read', () => {
  expect(textOf(['Content-Type: text/plain; charset=iso-2022-jp'], '\u001b$B$"\u001b(B')).toBe('あ');
  expect(textOf(['Content-Type: text/plain; charset=utf-16le'], Buffer.from('Grüße', 'utf16le'))).toBe('Grüße');
});

test('NUL and lone surrogates are left out', () => {
  expect(textOf([], 'a\0b')).toBe('ab');
  expect(textOf(['Content-Type: text/plain; charset=utf-16le'], Buffer.from([0x61, 0, 0, 0xd8, 0x62, 0]))).not.toMatch(
    /[\ud800-\udfff]/u,
  );
  expect(textOf(['Content-Type: text/html'], 'a&#xD800;b&#0;c')).not.toMatch(/\0|[\ud800-\udfff]/u);
});

test('flowed text is joined where its lines are soft', () => {
  const flowed = ['Content-Type: text/plain; format=flowed'];
  expect(textOf(flowed, 'one \ntwo\nthree\n> quoted \n> too')).toBe('one two\nthree\n> quoted too');
  expect(textOf(['Content-Type: text/plain; format=flowed; delsp=yes'], 'one \ntwo')).toBe('onetwo');
});

test('line ends become line feeds', () => {
  expect(textOf([], 'a\nb\n\nc\n\n')).toBe('a\nb\n\nc');
});

test('text is cut at the limit, and not in the middle of a character', () => {
  const raw = messageOf({ body: '😀'.repeat(10) });
  expect(read(raw, { maxTextCharacters: 5 })).toMatchObject({ text: '😀😀', textTruncated: true });
  expect(read(raw, { maxTextCharacters: 20 })).toMatchObject({ text: '😀'.repeat(10), textTruncated: false });
});

const alternative = 'Content-Type: multipart/alternative; boundary=b';

test('of an alternative the plain text is taken', () => {
  const body = '--b\n\nplain\n--b\nContent-Type: text/html\n\n<p>rich</p>\n--b--';
  expect(textOf([alternative], body)).toBe('plain');
});

test('of an alternative with an empty plain text the HTML is taken', () => {
  const body = '--b\n\n \n--b\nContent-Type: text/html\n\n<p>rich</p>\n--b--';
  expect(textOf([alternative], body)).toBe('rich');
});

test('all texts of a mixed message are taken, HTML among them', () => {
  const body = '--b\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n--b\n\nthree\n--b--';
  expect(textOf(['Content-Type: multipart/mixed; boundary=b'], body)).toBe('one\ntwo\nthree');
});

test.each([
  ['<p>Hello <b>World</b></p><p>Next</p>', 'Hello World\n\nNext'],
  ['a<br>b<br/>c', 'a\nb\nc'],
  ['<ul><li>one<li>two</ul>', 'one\ntwo'],
  ['<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a b\nc'],
  ['a   b\n\n\tc', 'a b c'],
  ['&lt;tag&gt; &amp; &uuml; &#8364; &nbsp;x', '<tag> & ü € x'],
  ['<style>p{color:red}</style><script>alert(1)</script><title>T</title>text', 'text'],
  ['<!-- hidden --><p title="a > b">text</p><!--', 'text'],
  ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
  ['<p title="unclosed>text</p>', 'text'],
  ['text<', 'text<'],
  ['text<p', 'text'],
  ['<STYLE>x</STYLE>text', 'text'],
  ['<div><div><div>deep</div></div></div>after', 'deep\nafter'],
])('the text of %p is %p', (html, text) => {
  expect(htmlToText(html, 1_000)).toBe(text);
});

test('the text of HTML is no longer than asked for', () => {
  expect(htmlToText('<p>word word</p>'.repeat(1_000), 20).length).toBeLessThanOrEqual(20);
});
