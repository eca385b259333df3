"""The passwords everybody tries first, of those long enough to be accepted at all."""

from typing import Final

COMMON_PASSWORDS: Final = frozenset(
    r"""
    !qaz2wsx 00000000 000000000 0000000000 01234567 012345678 0123456789 012345678910 0987654321
    10101010 10203040 11111111 111111111 1111111111 11112222 11221122 11223344 112233445566
    12121212 12312312 123123123 123321123 12341234 12344321 123454321 1234554321 12345678
    123456780 1234567887654321 123456789 1234567890 12345678901 1234567891 12345678910
    123456789123 123456789a 123456789q 12345678a 12345678q 12345679 1234567a 1234567q 123456ab
    123456abc 12345abc 1234abcd 1234qwer 123qwe123 123qweasd 123qweasdzxc 13131313 13579246
    14141414 147258369 147852369 14789632 147896325 159357123 159357456 159753159 19841984
    19871987 19891989 19901990 1q2w3e4r 1q2w3e4r! 1q2w3e4r5t 1q2w3e4r5t6y 1qaz1qaz 1qaz2wsx
    1qaz2wsx3edc 1qaz@wsx 1qazxsw2 20002000 20012001 20202020 21212121 22222222 23232323
    24681012 25802580 2wsx3edc 31415926 31415927 33333333 3edc4rfv 44444444 55555555 55667788
    66666666 66668888 741852963 77777777 77778888 789456123 87654321 88888888 88889999 963852741
    98765432 987654321 9876543210 9876543210a 99999999 999999999 a1234567 a12345678 a123456789
    a1234567890 a1b2c3d4 aa123456 aa12345678 aaa111222 aaaaaaaa aaaaaaaaa aaaaaaaaaa abc12345
    abc123456 abc123456789 abc123abc abcd1234 abcd12345 abcdefg1 abcdefgh abcdefghi abcdefghij
    admin123 admin123! admin1234 admin12345 admin123456 admin@123 adminadmin administrator
    adminpass adminpassword alexander alexandra andrew123 anthony1 arsenal1 arsenal123 asd12345
    asd123456 asdf1234 asdfasdf asdfasdfasdf asdfghjk asdfghjkl asdfghjkl1 asdfqwer asdzxc123
    ashley123 asshole1 autumn2024 autumn2025 autumn2026 babygirl bailey123 barcelona barcelona1
    baseball baseball1 basketball batman123 beautiful benjamin blahblah blink182 brittany
    brittany1 bullshit buster123 butterfly california cameron1 change_me changeit changeme
    changeme! changeme1 changeme123 changethis charlie1 charlotte chelsea1 chelsea123 chocolate
    chocolate1 christian christina christopher cocacola computer computer1 cookie123 corvette
    courtney creative cristiano daniel123 danielle december default1 default123 demo1234
    demodemo diamond1 dolphins dragon12 dragon123 einstein elephant elizabeth elizabeth1
    explorer facebook fernando firebird football football1 football12 francesco franklin
    freedom1 friday123 fuckoff1 fuckyou! fuckyou1 fuckyou2 gabriela garfield gateway1 ginger123
    godzilla google123 guest123 hardcore harrypotter hello123 hello123! hello1234 hellohello
    hellokitty helloworld hockey123 hunter22 ilovegod ilovejesus iloveyou iloveyou! iloveyou1
    iloveyou12 iloveyou123 iloveyou2 internet isabella january1 january2026 jasmine1 jennifer
    jennifer1 jessica1 jonathan jordan23 joshua123 juventus katherine kawasaki kittycat lalalala
    letmein! letmein1 letmein12 letmein123 letmein1234 linkedin liverpool liverpool1 login123
    lollipop lovelove loveyou1 maggie123 manchester margaret marlboro master12 master123
    matthew1 maverick mercedes metallica michael1 michael12 michael123 michelle michelle1
    microsoft midnight minecraft monday123 monkey12 monkey123 morpheus mountain mustang1
    mypassword myspace1 ncc1701d newpassword nicholas nintendo nirvana1 nothing1 november
    oracle123 orange123 orbiter1 orbiter123 p4ssw0rd p4ssword p@ssw0rd p@ssw0rd! p@ssw0rd1
    p@ssword p@ssword1 pa$$w0rd pa$$word pa55w0rd pa55word pakistan pass1234 pass12345 passpass
    passphrase passport passw0rd passw0rd! passw0rd1 password password! password. password0
    password01 password1 password1! password11 password12 password123 password1234 password1234!
    password2 password3 password4 password5 password7 password8 password9 password99 passwords
    passwort patricia pepper123 pineapple platinum pokemon1 pokemon123 postgres postgresql
    precious princess princess1 princess12 purple123 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qazwsx12
    qazwsx123 qazwsxedc qazwsxedc123 qwe12345 qwe123456 qwe123qwe qweasd123 qweasdzxc qweqweqwe
    qwer1234 qwerqwer qwerty00 qwerty1! qwerty11 qwerty12 qwerty123 qwerty1234 qwerty12345
    qwerty123456 qwerty321 qwerty77 qwerty78 qwerty99 qwertyqwerty qwertyui qwertyuiop
    qwertyuiop123 realmadrid robert123 rockstar ronaldo7 root1234 rootpassword rootroot rush2112
    samantha samantha1 samsung1 scorpion sebastian secret123 september shadow12 shadow123
    shopping slipknot snickers snowball soccer12 softball spiderman spiderman1 spring123
    spring2024 spring2025 spring2026 startrek starwars starwars1 stephanie strawberry summer12
    summer123 summer2023 summer2024 summer2025 summer2026 sunshine sunshine1 superman superman1
    superuser sweetheart swordfish sysadmin temp1234 temppass test123! test1234 test12345
    test123456 tester123 testing1 testing123 testpassword testtest testtest1 thepassword
    thomas123 thunder1 tigger123 tinkerbell toor1234 tottenham trustno1 trustno1! trustnoone
    undertaker user1234 user12345 username useruser valentina veronica victoria victoria1
    volleyball warcraft welcome! welcome1 welcome12 welcome123 welcome1234 welcome2 welcome2024
    welcome2025 welcome2026 whatever whatever1 william1 winter123 winter2024 winter2025
    winter2026 wolverine xxxxxxxx yyyyyyyy zaq12wsx zaq12wsx! zaq1xsw2 zaq1zaq1 zxc12345
    zxcasdqwe zxcvbnm, zxcvbnm1 zxcvbnm123 zxcvbnmm zzzzzzzz
    """.split()
)
