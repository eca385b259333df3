"""The passwords everybody tries first, of those long enough to be accepted at all."""

from typing import Final

COMMON_PASSWORDS: Final = frozenset(
    """
    00000000 000000000 0000000000 0123456789 11111111 111111111 1111111111 11223344 112233445566
    12121212 123123123 123321123 12341234 12344321 12345678 123456789 1234567890 12345678910
    1234abcd 1234qwer 13579246 147258369 147852369 159357456 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 22222222
    24681012 33333333 44444444 55555555 66666666 741852963 77777777 789456123 87654321 88888888
    963852741 987654321 9876543210 99999999 a1234567 a12345678 a1b2c3d4 aa123456 aaaaaaaa abc12345
    abc123456 abcd1234 abcd12345 abcdefg1 abcdefgh admin123 admin1234 adminadmin administrator
    arsenal1 asd12345 asdf1234 asdfasdf asdfghjk asdfghjkl ashley123 autumn2025 babygirl bailey123
    barcelona baseball basketball batman123 blink182 butterfly changeit changeme changeme1
    charlie1 chelsea1 computer corvette daniel123 december default1 dragon123 facebook football
    google123 guest123 harrypotter hunter22 iloveyou iloveyou1 internet january1 jennifer jessica1
    jordan23 letmein1 letmein123 linkedin liverpool login123 lovelove loveyou1 master123 maverick
    mercedes michael1 michael123 michelle midnight minecraft monkey123 mypassword ncc1701d
    nothing1 p4ssw0rd p@ssw0rd p@ssword pass1234 pass12345 passpass passw0rd passw0rd! passw0rd1
    password password! password01 password1 password1! password11 password12 password123
    password1234 password2 password99 passwort pokemon1 princess q1w2e3r4 q1w2e3r4t5 qazwsxedc
    qweasd123 qweasdzxc qwer1234 qwerty1! qwerty12 qwerty123 qwerty1234 qwertyui qwertyuiop
    root1234 rootroot samsung1 secret123 shadow123 spiderman spring2025 starwars summer2024
    summer2025 summer2026 sunshine superman test1234 testing1 testing123 testtest thepassword
    toor1234 trustno1 user1234 welcome! welcome1 welcome123 welcome2024 welcome2025 welcome2026
    whatever winter2024 winter2025 winter2026 zaq12wsx zxc12345 zxcvbnm1 zxcvbnm123
    """.split()
)
