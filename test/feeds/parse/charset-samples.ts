export interface CharsetSample {
  readonly label: string
  readonly text: string
  /** The text in this charset, as Python's codecs wrote it: what the decoder's own library encodes would prove its tables by themselves. */
  readonly base64: string
}

export const CHARSET_SAMPLES: readonly CharsetSample[] = [
  {
    label: 'windows-1251',
    text: 'Российские учёные рассказали о новом открытии в области физики. Президент подписал указ о мерах поддержки граждан',
    base64:
      '0O7x8ejp8ero5SDz97jt++Ug8ODx8erg5+Dr6CDuIO3u4u7sIO7y6vD78ujoIOIg7uHr4PHy6CD06Ofo6uguIM/w5efo5OXt8iDv7uTv6PHg6yDz6uDnIO4g7OXw4PUg7+7k5OXw5uroIOPw4Obk4O0=',
  },
  {
    label: 'koi8-r',
    text: 'Российские учёные рассказали о новом открытии в области физики. Президент подписал указ о мерах поддержки граждан',
    base64:
      '8s/T08nK08vJxSDV3qPO2cUg0sHT08vB2sHMySDPIM7P18/NIM/Uy9LZ1MnJINcgz8LMwdPUySDGydrJy8kuIPDSxdrJxMXO1CDQz8TQydPBzCDVy8HaIM8gzcXSwcgg0M/ExMXS1svJIMfSwdbEwc4=',
  },
  {
    label: 'iso-8859-5',
    text: 'Российские учёные рассказали о новом открытии в области физики. Президент подписал указ о мерах поддержки граждан',
    base64:
      'wN7h4djZ4drY1SDj5/Hd69Ug4NDh4drQ19Db2CDeIN3e0t7cIN7i2uDr4tjYINIg3tHb0OHi2CDk2NfY2tguIL/g1dfY1NXd4iDf3tTf2OHQ2yDj2tDXIN4g3NXg0OUg397U1NXg1trYINPg0NbU0N0=',
  },
  {
    label: 'koi8-u',
    text: 'Верховна Рада України ухвалила закон про державний бюджет на наступний рік, повідомляє пресслужба',
    base64:
      '98XSyM/XzsEg8sHEwSD1y9LBp87JINXI18HMyczBINrBy8/OINDSzyDExdLWwdfOycogwsDE1sXUIM7BIM7B09TV0M7JyiDSpsssINDP16bEz83M0aQg0NLF09PM1dbCwQ==',
  },
  {
    label: 'gbk',
    text: '中国政府宣布新的经济政策，北京时间今天上午举行新闻发布会，专家表示欢迎',
    base64: '1tC5+tX+uK7Q+7K80MK1xL6tvMPV/rLfo6yxsb6pyrG85L3xzOzJz87nvtnQ0NDCzsW3orK8u+GjrNeovNKx7cq+u7bTrQ==',
  },
  {
    label: 'big5',
    text: '台灣總統今天上午在台北舉行記者會，宣布新的經濟政策，專家表示歡迎',
    base64: 'pXjGV8Fgss6ktaTRpFekyKZipXilX8F8puawT6rMt3yhQavFpay3c6q6uGfA2axGtaahQbFNrmGq7aXcxXeq7w==',
  },
  {
    label: 'shift_jis',
    text: '日本政府は新しい経済政策を発表しました。東京では今日、専門家による会議が開かれます。',
    base64: 'k/qWe5CtlXuCzZBWgrWCooxvjc+QrY30gvCUrZVcgrWC3IK1gr2BQpOMi56CxYLNjaGT+oFBkOqW5YnGgsmC5oLpie+LY4KqikqCqYLqgtyCt4FC',
  },
  {
    label: 'euc-jp',
    text: '日本政府は新しい経済政策を発表しました。東京では今日、専門家による会議が開かれます。',
    base64: 'xvzL3MCvydykz7+3pLekpLfQutHAr7r2pPLIr8m9pLek3qS3pL+ho8Xstf6kx6TPuqPG/KGiwOzM57LIpMuk6KTrsvG1xKSss6ukq6TspN6kuaGj',
  },
  {
    label: 'euc-kr',
    text: '한국 정부는 오늘 서울에서 새로운 경제 정책을 발표했다고 밝혔다. 전문가들은 환영했다',
    base64: 'x9GxuSDBpLrOtMIgv8C0wyC8rb/vv6G8rSC79bfOv+4gsObBpiDBpMOlwLsgud/HpcfftNmw7SC54Mf7tNkuIMD8ua6wobXpwLogyK+/tcfftNk=',
  },
  {
    label: 'windows-1250',
    text: 'Rząd przyjął nową ustawę o wsparciu dla przedsiębiorców. Zażółć gęślą jaźń, powiedział minister w środę',
    base64:
      'Unq5ZCBwcnp5armzIG5vd7kgdXN0YXfqIG8gd3NwYXJjaXUgZGxhIHByemVkc2nqYmlvcmPzdy4gWmG/87PmIGfqnGy5IGphn/EsIHBvd2llZHppYbMgbWluaXN0ZXIgdyCccm9k6g==',
  },
  {
    label: 'windows-1250',
    text: 'Vláda schválila nový zákon o podpoře podnikatelů. Příliš žluťoučký kůň úpěl ďábelské ódy, řekl ministr',
    base64:
      'VmzhZGEgc2NoduFsaWxhIG5vdv0geuFrb24gbyBwb2Rwb/hlIHBvZG5pa2F0ZWz5LiBQ+O1saZognmx1nW916Gv9IGv58iD6cOxsIO/hYmVsc2vpIPNkeSwg+GVrbCBtaW5pc3Ry',
  },
  {
    label: 'iso-8859-2',
    text: 'A kormány elfogadta az új törvényt a vállalkozók támogatásáról. Az előterjesztés szerint jövőre növekednek a fizetések',
    base64:
      'QSBrb3Jt4W55IGVsZm9nYWR0YSBheiD6aiB09nJ26W55dCBhIHbhbGxhbGtvevNrIHThbW9nYXThc+Fy82wuIEF6IGVs9XRlcmplc3p06XMgc3plcmludCBq9nb1cmUgbvZ2ZWtlZG5layBhIGZpemV06XNlaw==',
  },
  {
    label: 'windows-1254',
    text: "Hükümet dün küçük işletmeleri desteklemek için yeni bir yasa kabul etti. İstanbul'da bugün toplantı yapılacağını açıkladı, değişiklik şöyle",
    base64:
      'SPxr/G1ldCBk/G4ga/zn/Gsgaf5sZXRtZWxlcmkgZGVzdGVrbGVtZWsgaedpbiB5ZW5pIGJpciB5YXNhIGthYnVsIGV0dGkuIN1zdGFuYnVsJ2RhIGJ1Z/xuIHRvcGxhbnT9IHlhcP1sYWNh8P1u/SBh5/1rbGFk/SwgZGXwaf5pa2xpayD+9nlsZQ==',
  },
  {
    label: 'windows-1253',
    text: 'Η κυβέρνηση ενέκρινε χθες νέο νόμο για τη στήριξη των μικρών επιχειρήσεων, δήλωσε ο υπουργός στην Αθήνα',
    base64:
      'xyDq9eLd8e3n8+cg5e3d6vHp7eUg9+jl8iDt3e8g7fzs7yDj6eEg9Ocg8/Te8enu5yD0+e0g7Onq8f7tIOXw6ffl6fHe8+X57Swg5N7r+fPlIO8g9fDv9fHj/PIg8/Tn7SDB6N7t4Q==',
  },
  {
    label: 'windows-1255',
    text: 'הממשלה אישרה אתמול חוק חדש לתמיכה בעסקים קטנים, אמר השר בירושלים במסיבת עיתונאים',
    base64: '5O7u+ezkIODp+fjkIOD67uXsIOfl9yDn4/kg7Pru6evkIOHy8ffp7SD36PDp7Swg4O74IOT5+CDh6fjl+ezp7SDh7vHp4fog8un65fDg6e0=',
  },
  {
    label: 'windows-1256',
    text: 'وافقت الحكومة أمس على قانون جديد لدعم الشركات الصغيرة وقال الوزير في مؤتمر صحفي اليوم',
    base64:
      '5sfd3sogx+HN3+bjySDD49Mg2uHsIN7H5ObkIMzP7c8g4c/a4yDH4dTR38fKIMfh1dvt0ckg5t7H4SDH4ebS7dEg3e0g48TK49Eg1c3d7SDH4e3m4w==',
  },
  {
    label: 'windows-874',
    text: 'รัฐบาลอนุมัติกฎหมายใหม่เพื่อสนับสนุนธุรกิจขนาดเล็กเมื่อวานนี้ รัฐมนตรีกล่าว',
    base64: 'w9GwutLFzbnYwdG11KGuy8HSwuPLwejgvtfozcq50brKudi5uNjDodSoornStODF56HgwdfozcfSubnV6SDD0bDBubXD1aHF6NLH',
  },
  {
    label: 'windows-1257',
    text: 'Vyriausybė vakar patvirtino naują įstatymą dėl paramos smulkiajam verslui, šiandien pranešė ministras Vilniuje, žmonės džiaugiasi',
    base64:
      'VnlyaWF1c3li6yB2YWthciBwYXR2aXJ0aW5vIG5hdWrgIOFzdGF0eW3gIGTrbCBwYXJhbW9zIHNtdWxraWFqYW0gdmVyc2x1aSwg8GlhbmRpZW4gcHJhbmXw6yBtaW5pc3RyYXMgVmlsbml1amUsIP5tb27rcyBk/mlhdWdpYXNp',
  },
  {
    label: 'windows-1252',
    text: 'O governo aprovou ontem uma nova lei de apoio às pequenas empresas. A reunião será amanhã, informou a assessoria de comunicação. Eleições e simulações',
    base64:
      'TyBnb3Zlcm5vIGFwcm92b3Ugb250ZW0gdW1hIG5vdmEgbGVpIGRlIGFwb2lvIOBzIHBlcXVlbmFzIGVtcHJlc2FzLiBBIHJldW5p428gc2Vy4SBhbWFuaOMsIGluZm9ybW91IGEgYXNzZXNzb3JpYSBkZSBjb211bmljYefjby4gRWxlaef1ZXMgZSBzaW11bGHn9WVz',
  },
]
