import { describe, expect, it } from 'vitest'
import { plainText, sanitise } from '../../../src/feeds/parse/sanitise.js'

const BASE = 'https://site.example/dir/post'
const REL = 'rel="noopener noreferrer nofollow"'

describe('hostile HTML', () => {
  it.each([
    '<script>alert(1)</script>',
    '<ScRiPt src=//evil.example></sCrIpT>',
    '<script><script>alert(1)</script>',
    '<<script>alert(1)//<</script>',
    '<img src=x onerror=alert(1)>',
    '<img src="javascript:alert(1)">',
    '<img src="data:text/html;base64,PHNjcmlwdD4=">',
    '<img src="https://a.example/x" onload="alert(1)" style="width:1px">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" javascript:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href="jav&#x09;ascript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="data:text/html,x">x</a>',
    '<a href="https://a.example/" onclick="alert(1)" target="_blank" style="x">x</a>',
    '<a href="\u0001javascript:alert(1)">x</a>',
    '<svg onload=alert(1)><script>alert(1)</script></svg>',
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    '<math><mtext><img src=x onerror=alert(1)></mtext></math>',
    '<iframe src="https://evil.example"></iframe>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="x.swf"></object><embed src="x.swf">',
    '<form action="https://evil.example"><input name=p><button>go</button></form>',
    '<style>@import "https://evil.example/x.css"</style>',
    '<link rel=stylesheet href="https://evil.example/x.css">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<base href="https://evil.example/">',
    '<p style="background:url(javascript:alert(1))" class="x" id="y">x</p>',
    '<textarea><script>alert(1)</script></textarea>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    '<xmp><img src=x onerror=alert(1)></xmp>',
    '<template><img src=x onerror=alert(1)></template>',
    '<video src=x onerror=alert(1)></video><audio src=x autoplay></audio>',
    '<p <script>alert(1)</script>>x</p>',
    '<a href="https://a.example/"onmouseover="alert(1)">x</a>',
    '<img src="https://a.example/x" alt="&quot; onerror=&quot;alert(1)">',
    '<!--><script>alert(1)</script>-->',
    '<![CDATA[<script>alert(1)</script>]]>',
    '<title></title><img src=x onerror=alert(1)>',
    '<img src="https://a.example/x" srcset="javascript:alert(1) 1x">',
  ])('%s is disarmed', html => {
    const safe = sanitise(html, BASE)
    expect(safe).not.toMatch(
      /<(?:script|style|iframe|object|embed|form|input|button|svg|math|link|meta|base|video|audio|textarea|template)/i,
    )
    const tags = safe.match(/<[^>]*>/g) ?? []
    for (const tag of tags) {
      const bare = tag.replace(/="[^"]*"/g, '')
      expect(bare).not.toMatch(/\bon\w+|style|class|srcset|target/i)
      for (const [, url] of tag.matchAll(/(?:href|src)="([^"]*)"/g)) expect(url).toMatch(/^https?:\/\//)
    }
  })
})

describe('ordinary HTML', () => {
  it.each([
    ['<p>one<br>two</p>', '<p>one<br />two</p>'],
    [
      '<a href="https://a.example/?x=1&amp;y=2" title="t">x</a>',
      `<a href="https://a.example/?x=1&amp;y=2" ${REL} title="t">x</a>`,
    ],
    ['<a href="mailto:x@a.example">x</a>', `<a href="mailto:x@a.example" ${REL}>x</a>`],
    ['<a href="../up">x</a>', `<a href="https://site.example/up" ${REL}>x</a>`],
    ['<a href="//cdn.example/x">x</a>', `<a href="https://cdn.example/x" ${REL}>x</a>`],
    ['<a name="top">x</a>', '<a>x</a>'],
    ['<img src="i.png" alt="a">', '<img src="https://site.example/dir/i.png" alt="a" loading="lazy" />'],
    ['<img src="https://t.example/p.gif" width="1" height="1">', ''],
    ['<img src="https://t.example/p.gif" height="0">', ''],
    ['<img alt="no source">', ''],
    ['<custom-tag>kept text</custom-tag>', 'kept text'],
    ['1 < 2 & 3 > 2', '1 &lt; 2 &amp; 3 &gt; 2'],
    ['caf\u00e9 &eacute; &amp;lt;', 'caf\u00e9 \u00e9 &amp;lt;'],
    ['<b>unclosed', '<b>unclosed</b>'],
    [' plain text ', 'plain text'],
    ['', ''],
  ])('%j becomes %j', (html, safe) => {
    expect(sanitise(html, BASE)).toBe(safe)
  })

  it('is the same when it is sanitised again', () => {
    const once = sanitise(
      '<p>a <a href="/x">b</a> &amp; <img src="/i.png"><table><tr><td colspan=2>c</td></tr></table></p>',
      BASE,
    )
    expect(sanitise(once, BASE)).toBe(once)
  })

  it('that is nested without end is read in time', () => {
    expect(sanitise('<div>'.repeat(20_000), BASE).length).toBeLessThan(400_000)
  })
})

describe('plain text', () => {
  it.each([
    ['a <b>bold</b>\n title', 'a bold title'],
    ['AT&amp;T', 'AT&T'],
    ['AT&T', 'AT&T'],
    ['R & D', 'R & D'],
    ['1 < 2', '1 < 2'],
    ['&lt;b&gt; is a tag', '<b> is a tag'],
    ['&amp;lt;', '&lt;'],
    ['&#8217;caf&eacute;&nbsp;', '\u2019caf\u00e9'],
    ['x<script>alert(1)</script>y', 'xy'],
    ['"quoted" &quot;too&quot;', '"quoted" "too"'],
  ])('of %j is %j', (html, text) => {
    expect(plainText(html)).toBe(text)
  })
})
