# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Injection rules in Arabic, Hindi (Devanagari and Latin letters), Chinese, Japanese, Korean, Vietnamese and
Indonesian. See ``injection_grammar`` for how phrases are written."""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.guards.text.injection_grammar import language

_ARABIC: Final = language(
    "ar",
    "Arabic",
    override=[
        r"(?:تجاهل~|انس|انسَ|انسى|إنس|اهمل|أهمل|تغاضى عن|تخطى|تخط|الغ|ألغ|لا تتبع|لا تلتزم ب~|تجاوز) <2>(?:جميع |كل |كافة |كافّة )?(?:ال)?(?:تعليمات|تعليماتك|توجيهات|توجيهاتك|أوامر|اوامر|أوامرك|قواعد|قواعدك|إرشادات|ارشادات|إرشاداتك|قيود|قيودك|تعليمات النظام|مطالبات)(?: <1>(?:السابقة|أعلاه|اعلاه|المذكورة|الأصلية|السالفة|التي|المعطاة|الخاصة|القديمة|الأولية))",
        r"(?:تجاهل~|انس|انسى|تجاوز|لا تتبع) (?:جميع |كل |كافة )(?:ال)?(?:تعليمات|تعليماتك|توجيهات|قواعد|قواعدك|أوامر|إرشادات|قيود|قيودك)",
        r"(?:تجاهل~|انس|انسى) (?:كل )?(?:ما سبق|ما ورد أعلاه|المذكور أعلاه|النص أعلاه|الأسئلة أعلاه|السؤال أعلاه|المشاكل المذكورة أعلاه)",
        r"تعليمات(?:ك)? (?:ال)?جديدة (?:هي|:)",
    ],
    everything=[r"(?:انس|انسى|تجاهل) (?:كل )?(?:شيء|ما) <2>(?:قيل|قلته|سابقا|قبل|تعلمته|تعرفه|السابق)"],
    extraction=[
        r"(?:اعرض|أظهر|اظهر|أعطني|اعطني|اكشف|كرر|اطبع|أخبرني|اخبرني|قل لي|اكتب|شارك|ما هي|ما هو|ماهي) <3>(?:موجه النظام|مطالبة النظام|رسالة النظام|تعليمات النظام|تعليماتك (?:الأصلية|الأولية|السرية|الداخلية|الأساسية|السابقة)|التعليمات (?:السرية|الأولية|الأصلية|المخفية|الداخلية)|البرومبت|موجهك|برومبت النظام)",
    ],
    freedom=[
        r"(?:أنت|انت|تصرف|أجب|اجب|رد|تكلم) <5>(?:بدون (?:أي |اي )?(?:قيود|حدود|رقابة|فلتر~|ضوابط)|دون (?:أي |اي )?(?:قيود|حدود|رقابة)|بلا (?:قيود|حدود|رقابة)|غير (?:مقيد|خاضع))",
        r"(?:وضع المطور|وضع dan) <2>(?:مفعل|تفعيل|نشط)",
    ],
    reader=[r"لا (?:تخبر|تذكر|تكشف|تبلغ|تقل) <3>(?:المستخدم|للمستخدم|القارئ|العميل)"],
    mine=r"تعليماتي|أوامري|طلبي",
)

_HINDI: Final = language(
    "hi",
    "Hindi",
    override=[
        r"(?:पिछले|पिछली|पहले|पहली|ऊपर|उपरोक्त|सभी|सारे|सारी|अपने|अपनी|पूर्व|मौजूदा|मूल|दिए गए|दी गई) <5>(?:निर्देश~|आदेश~|नियम~|निर्देशों|दिशानिर्देश~|दिशा-?निर्देश~|प्रॉम्प्ट~|कमांड~|हिदायत~|इंस्ट्रक्शन~|प्रतिबंध~) <3>(?:अनदेखा|अनदेखी|नज़रअंदाज़|नजरअंदाज|नज़रअंदाज|भूल|उपेक्षा|अवहेलना|इग्नोर|मत मान~|न मान~|छोड़|हटा|रद्द|दरकिनार|पालन (?:मत|न|ना))",
        r"नए निर्देश(?: हैं|:| ये हैं)",
    ],
    everything=[
        r"(?:सब कुछ|सबकुछ|सब) <2>(?:भूल जा~|भूल जाओ|भूल जाएं)",
        r"(?:पहले|पिछला|पिछली|अब तक) <4>(?:सब|सब कुछ|सारी|जानकारी|बातें) <3>(?:भूल|अनदेखा|इग्नोर)",
    ],
    extraction=[
        r"(?:अपना|अपने|अपनी|आपका|आपके|तुम्हारा|तुम्हारे|मुझे|पूरा) <3>(?:सिस्टम (?:प्रॉम्प्ट~|प्रोम्प्ट~|निर्देश~|संदेश~|मैसेज|इंस्ट्रक्शन~)|प्रॉम्प्ट|(?:मूल|शुरुआती|प्रारंभिक|गुप्त|छिपे|आंतरिक|सटीक|छिपे हुए) (?:निर्देश~|प्रॉम्प्ट|नियम)) <3>(?:दिखा~|बता~|प्रकट|लिख~|दोहरा~|साझा|क्या|दो|दीजिए|प्रिंट|उजागर)",
        r"सिस्टम (?:प्रॉम्प्ट|प्रोम्प्ट|निर्देश) <2>(?:दिखा~|बता~|प्रकट|लिख~|दोहरा~|साझा|उजागर|क्या है)",
    ],
    freedom=[
        r"(?:बिना|बगैर) (?:किसी )?(?:भी )?(?:प्रतिबंध~|रोक-?टोक|सेंसर~|फ़िल्टर~|फिल्टर~|पाबंदी|सीमा~|नियम~|नैतिक~) <4>(?:जवाब|उत्तर|बता~|लिख~|काम|बात|के ai|एआई)",
        r"(?:कोई|किसी) <2>(?:प्रतिबंध|नियम|पाबंदी|फ़िल्टर|फिल्टर|सीमा) (?:नहीं|लागू नहीं)",
    ],
    reader=[r"(?:उपयोगकर्ता|यूज़र|यूजर|पाठक|ग्राहक) (?:को|से) <3>(?:मत बता~|न बता~|ना बता~|नहीं बता~|मत कह~)"],
    mine=r"(?:मेरे|मेरी|मेरा|हमारे|हमारी)",
)

_HINGLISH: Final = language(
    "hi-latin",
    "Hindi in Latin letters",
    override=[
        r"\b(?:pichl[aei]~|pehl[aei]~|pahl[aei]~|purane|purani|sabhi|saare|sare|saari|sari|apne|apni|upar|uper|tumhare|tumhari|aapke|diye gaye|previous|system) <5>(?:instructions?|nirdesh~|rules?|niyam~|guidelines?|prompts?|commands?|aadesh~|adesh~|hidayat~|restrictions?|policy|policies|filters?) <3>(?:ignore|bhool|bhul|bhulja~|nazar-?anda{1,2}z|andekha|andekhi|chhod~|chod~|hata~|mat mano|mat maan~|bypass|override|skip|disable|todo|tod do)\b",
        r"\b(?:ignore|bhool ja~|bhul ja~) (?:karo|kar do|karke|kar)? ?<2>(?:sabhi|saare|sare|pichl~|pehle|purane|apne) <3>(?:instructions?|nirdesh|rules?|guidelines?|prompts?)\b",
    ],
    everything=[r"\b(?:sab|sab kuch|sabkuch|pehle ka sab|ab tak ka sab) <1>(?:bhool|bhul) ja~"],
    extraction=[
        r"\b(?:system prompt|system instructions?|hidden prompt|initial prompt|system message|secret instructions?|hidden instructions?|apna prompt|internal instructions?) <3>(?:dikha~|bata~|batao|btao|likho|(?:print|reveal|share|repeat|show) (?:kar~|kr)|de do|do na|kya hai|kya hain)\b",
        r"\b(?:apna|apne|apni|tumhara|tumhare|aapka|aapke|tera) <2>(?:system|original|hidden|secret|initial|internal|asli) <1>(?:prompt|instructions?|rules?|nirdesh|message|configuration)\b",
        r"\b(?:ab|phir|fir|please|mujhe|poora|pura) <2>system prompt\b",
    ],
    freedom=[
        r"\b(?:bina) (?:kisi )?(?:bhi )?(?:restrictions?|filters?|censor~|rok-?tok|limits?|niyam~|rules?|ethics|pabandi) <4>(?:jawab|javab|answer|bata~|batao|likho|reply|respond|kaam|baat)\b",
        r"\b(?:koi) <1>(?:restrictions?|filters?|limits?|rules?|pabandi) (?:nahi~|nhi|mat|na)\b <3>(?:hai|ho|lagana|lagao|follow)",
        r"\b(?:tum|aap|tu) <2>(?:ab|abhi|ab se) <3>(?:unrestricted|uncensored|unfiltered|dan|azad|developer mode)\b",
        r"\b(?:ethics|filters?|restrictions?|guidelines?|safety|rules) (?:hata do|hatao|band karo|band kar do|off karo|bhool jao|bhul jao|side me rakh~|ignore karo|ignore kar do)\b",
    ],
    reader=[r"\buser ko <2>(?:mat batana|mat bata~|na batana|nahi batana)"],
    mine=r"\b(?:mer[aei]|hamar[aei]|humar[aei])\b",
)

_CHINESE: Final = language(
    "zh",
    "Chinese",
    blanks=False,
    override=[
        r"(?:忽略|忽視|忽视|無視|无视|忘記|忘记|忘掉|不要遵守|不要遵循|不再遵守|不再遵循|不用遵守|別管|别管|不管|拋開|抛开|繞過|绕过|違反|违反|放棄|放弃|覆蓋|覆盖|取消|撇開|撇开|擺脫|摆脱|丟棄|丢弃)<6>(?:之前|先前|以前|上面|以上|上述|前面|此前|所有|全部|一切|你的|你被|原有|原來|原来|既定|既有|已有|系統|系统|給你|给你|任何|初始|最初|上文|其他|其它)<8>(?:指令|指示|提示|規則|规则|命令|要求|設定|设定|限制|約束|约束|準則|准则|說明|说明|規定|规定|指南|政策|原則|原则|訓練|训练|提示詞|提示词|問題|问题|內容|内容|對話|对话)",
        r"(?:新的|以下是新|现在开始新|你的新)(?:指令|指示|任務|任务|規則|规则|設定|设定)(?:是|為|为|如下|：|:)",
        r"(?:忽略|无视|無視|忽視|忽视)(?:以上|上述|上面|前面)<4>(?:直接|然後|然后|並|并|而是|只)<4>(?:输出|輸出|打印|列印|说|說|回答|回复|回覆|返回|写|寫)",
        r"(?:不要|請勿|请勿|無需|无需|不用|别)(?:回答|回復|回复|理會|理会)<10>(?:問題|问题|指令)?<6>(?:直接|只需|請|请|而是|而)?(?:输出|輸出|打印|列印|输入|輸入|顯示|显示|返回)",
    ],
    everything=[
        r"(?:忘記|忘记|忘掉|忽略)(?:之前|以前|上面|以上|前面|先前|我們|我们|剛才|刚才|你)<8>(?:一切|所有|全部|的話|的话|內容|内容|說過|说过|對話|对话|学过|學過)",
    ],
    extraction=[
        r"(?:顯示|显示|展示|告訴|告诉|輸出|输出|重複|重复|打印|列印|說出|说出|透露|洩露|泄露|公開|公开|給我|给我|寫出|写出|複述|复述|列出|揭示|翻譯|翻译|分享|暴露)<6>(?:你的|你|系統的|系统的|系统|系統|完整|全部|所有|初始|原始|上面|以上)<6>(?:系統提示|系统提示|提示詞|提示词|提示語|提示语|系統指令|系统指令|初始指令|初始提示|系統消息|系统消息|系統訊息|原始指令|隱藏指令|隐藏指令|內部指令|内部指令|系統設定|系统设定|系统设置|prompt|初始設定|初始设定|秘密指令)",
        r"(?:你的|你)<4>(?:系統提示|系统提示|提示詞|提示词|系統指令|系统指令|初始指令|初始提示|prompt|原始指令|隐藏指令|隱藏指令)<4>(?:是什麼|是什么|是啥|有哪些|內容|内容|是怎)",
        r"(?:重複|重复|複述|复述|輸出|输出|打印|翻译|翻譯)<4>(?:以上|上面|上述|此前|之前|上文)<4>(?:所有|全部|的)?<2>(?:文字|文本|內容|内容|提示|指令|對話|对话)",
    ],
    freedom=[
        r"(?:你|您)<10>(?:沒有|没有|不受|無|无|不再受|擺脫|摆脱|不必遵守|不需要遵守|不用遵守)<4>(?:任何|一切|所有|道德|倫理|伦理|法律|内容|內容|安全)<4>(?:限制|約束|约束|規則|规则|審查|审查|過濾|过滤|束縛|束缚|準則|准则|底線|底线)",
        r"(?:無限制|无限制|不受限制|未經審查|未经审查|沒有限制|没有限制|不受約束|不受约束)的?(?:AI|人工智能|人工智慧|助手|模型|模式|機器人|机器人|回答|語言模型|语言模型)",
        r"(?:開發者模式|开发者模式|越獄模式|越狱模式|DAN模式|上帝模式)<4>(?:已|開啟|开启|啟用|启用|激活|进入|進入)?",
        r"(?:進入|进入|開啟|开启|啟用|启用|激活|切換到|切换到)<3>(?:DAN|越獄|越狱|無限制|无限制|上帝|不受限)<3>模式",
    ],
    reader=[
        r"(?:不要|別|别|請勿|请勿|切勿)(?:告訴|告诉|通知|提醒|透露給|透露给|讓|让)<4>(?:用戶|用户|使用者|讀者|读者|客戶|客户)",
        r"(?:AI|人工智能|人工智慧|大模型|語言模型|语言模型|助手|機器人|机器人)<4>(?:必須|必须|應當|应当|請|请|應該|应该)<6>(?:加上|添加|包含|忽略|推薦|推荐|發送|发送|輸出|输出|说明|提到)",
        r"(?:總結|总结|回答|翻譯|翻译|處理|处理|閱讀|阅读|概括)<6>(?:時|时|之前|前|後|后)<6>(?:必須|必须|請|请|务必|務必|先)<8>(?:加上|添加|包含|忽略|發送|发送|輸出|输出|說|说|提到|告訴|告诉)",
    ],
    mine=r"我的|我們的|我们的",
)

_JAPANESE: Final = language(
    "ja",
    "Japanese",
    blanks=False,
    override=[
        r"(?:これまで|今まで|以前|前|上記|上|すべて|全て|全部|あらゆる|元|最初|先ほど|さっき|あなた|与えられた|既存|システム|従来|初期)<8>(?:指示|命令|ルール|規則|プロンプト|ガイドライン|制約|制限|設定|指令|方針|インストラクション|質問|内容)(?:は|を|は全て|をすべて|を全て|を全部|など|には)?<6>(?:無視|忘れ|破棄|無効|従わない|従うな|従わず|取り消|リセット|上書き|守らない|守らなくて|解除|キャンセル|捨て)",
        r"(?:新しい|次の新しい|あなたの新しい)(?:指示|命令|ルール|役割)(?:は|：|:|です)",
        r"(?:質問|問い|指示)に(?:は)?(?:答え|回答し|従わ)(?:ず|ないで|なくて)<8>(?:出力|入力|表示|印刷|次のように|書い)",
        r"答えずに<8>(?:入力|出力|表示)",
    ],
    everything=[
        r"(?:これまで|今まで|以前|さっき|前|先ほど)<8>(?:すべて|全て|全部|こと|会話|内容|話)<3>(?:を|は)<3>(?:忘れ|無視|リセット)",
    ],
    extraction=[
        r"(?:システムプロンプト|システム指示|システムメッセージ|初期プロンプト|初期指示|最初の指示|元の指示|内部指示|隠された指示|秘密の指示|隠しプロンプト|あなたのプロンプト|あなたへの指示|与えられた指示|プロンプト全文)<6>(?:を|は|の内容|全文)<6>(?:教え|表示|見せ|出力|公開|繰り返|開示|書い|何|示し|明かし|コピー|翻訳|どんな|どう)",
        r"(?:上記|上|これまで)の(?:文章|テキスト|内容|言葉|指示)(?:を|すべて|全て)<4>(?:繰り返|そのまま|出力|表示|コピー)",
    ],
    freedom=[
        r"(?:制限|制約|規制|検閲|フィルター|倫理|道徳|ルール)<3>(?:の?ない|なし|なしに|に縛られ|に従わ|を受けない|を無視|を気にせず|がない)<6>(?:AI|モデル|アシスタント|回答|答え|応答|振る舞|キャラ|チャットボット|存在)",
        r"(?:開発者モード|脱獄モード|DANモード|ジェイルブレイク)<4>(?:有効|オン|起動|入|を)",
    ],
    reader=[
        r"(?:ユーザー|利用者|読者|顧客|お客様)に(?:は)?<4>(?:言わない|伝えない|知らせない|教えない|話さない|通知しない|明かさない|伝えず|知らせず)",
        r"(?:AI|アシスタント|言語モデル|チャットボット)<4>(?:は|へ|なら)<8>(?:必ず|しなければ|してください|せよ|すること)",
    ],
    mine=r"私の|僕の|俺の|当社の",
)

_KOREAN: Final = language(
    "ko",
    "Korean",
    override=[
        r"(?:이전|위|앞|지금까지|기존|모든|너의|당신의|네|원래|처음|앞선|위의|이전의|앞서|상기|시스템|모두) <4>(?:지시~|명령~|규칙~|프롬프트~|지침~|가이드라인~|제한~|설정~|제약~|지시사항~|질문~|내용~) <3>(?:무시~|잊~|따르지~|무효~|버려~|거부~|취소~|초기화~|우회~|삭제~|어겨~|지키지~)",
        r"(?:새로운|새) (?:지시~|명령~|규칙~|지침~|임무~) ?(?:은|는|이|다음|:|입니다)",
        r"(?:위|이전|앞)(?:의)? (?:내용|것|글)(?:을|를|은)? <1>(?:모두|전부|다)? ?(?:무시~|잊~)",
        r"질문에 (?:답하지|대답하지) <2>(?:말고|마시고|않고) <5>(?:출력~|입력~|표시~|말~|인쇄~)",
    ],
    everything=[
        r"(?:지금까지|이전에|앞에서|전에|내가) <4>(?:모든 것~|모든 걸|모두|전부|다|대화~|말한 것~) <2>(?:잊~|무시~|초기화~)"
    ],
    extraction=[
        r"(?:시스템 ?프롬프트~|시스템 ?메시지~|시스템 ?지시~|초기 ?(?:지시~|프롬프트~|지침~)|숨겨진 ?(?:지시~|프롬프트~|지침~)|비밀 ?(?:지시~|프롬프트~)|내부 ?(?:지시~|지침~)|원래 ?(?:지시~|프롬프트~)|너의 프롬프트~|당신의 프롬프트~) <4>(?:보여~|알려~|말해~|출력~|공개~|반복~|뭐~|무엇~|써~|공유~|적어~|번역~|표시~)",
    ],
    freedom=[
        r"(?:아무런|어떤|아무|모든)? ?(?:제한~|제약~|검열~|필터~|규칙~|윤리~|도덕~) ?(?:도 |이 |은 )?(?:없는|없이|없다|받지 않는|무시하는|벗어난|없으며) <4>(?:ai|인공지능~|챗봇~|모델~|답~|대답~|응답~|어시스턴트~|말~|존재~)",
        r"(?:개발자 모드|탈옥 모드|dan 모드) <2>(?:활성~|켜~|시작~|진입~)",
    ],
    reader=[r"(?:사용자|유저|독자|고객)(?:에게|한테|께)(?:는)? <3>(?:말하지|알리지|언급하지|밝히지|알려주지)"],
    mine=r"(?:내|나의|제|저의|우리) (?:이전|지시|명령|주문)",
)

_VIETNAMESE: Final = language(
    "vi",
    "Vietnamese",
    override=[
        r"\b(?:bỏ qua|phớt lờ|lờ đi|quên|quên đi|hãy quên|không tuân theo|đừng tuân theo|không làm theo|đừng làm theo|vô hiệu hóa|ghi đè|phá vỡ|không quan tâm đến) <2>(?:tất cả|mọi|toàn bộ|các|những|hết)? ?<3>(?:hướng dẫn|chỉ dẫn|chỉ thị|lệnh|mệnh lệnh|quy tắc|quy định|lời nhắc|prompt|yêu cầu|câu lệnh|giới hạn|hạn chế) <2>(?:trước|trước đó|trước đây|ở trên|bên trên|phía trên|ban đầu|của bạn|hệ thống|đã cho|đã nhận|hiện tại)",
        r"\b(?:hướng dẫn|chỉ thị|lệnh|nhiệm vụ) mới (?:là|của bạn|như sau|:)",
    ],
    everything=[
        r"\b(?:quên|bỏ qua) (?:hết |đi )?(?:tất cả|mọi thứ|mọi điều|toàn bộ) <3>(?:đã nói|trước đó|trước đây|ở trên|được học|biết)"
    ],
    extraction=[
        r"\b(?:hiển thị|cho tôi (?:xem|biết)|tiết lộ|lặp lại|in ra|nói cho tôi|viết ra|chia sẻ|đưa ra|dịch|cho biết|liệt kê) <3>(?:lời nhắc hệ thống|prompt hệ thống|system prompt|hướng dẫn hệ thống|chỉ thị hệ thống|thông báo hệ thống|(?:hướng dẫn|chỉ thị|lời nhắc|prompt) (?:ban đầu|gốc|ẩn|bí mật|nội bộ|của bạn|hệ thống))",
        r"\b(?:lặp lại|in ra|chép lại|sao chép) <2>(?:văn bản|nội dung|chữ) <1>(?:phía trên|ở trên|bên trên)\b",
    ],
    freedom=[
        r"\b(?:bạn|hãy|trả lời|hành động) <5>(?:không (?:có |bị |còn )?(?:bất kỳ )?(?:hạn chế|giới hạn|kiểm duyệt|bộ lọc|ràng buộc|quy tắc)) <2>(?:nào|đạo đức|gì)?",
        r"\bchế độ (?:nhà phát triển|dan|không giới hạn) <2>(?:được|đã|bật|kích hoạt)",
    ],
    reader=[r"\b(?:đừng|không được|không) (?:nói|thông báo|tiết lộ|đề cập|cho) <3>(?:người dùng|người đọc|khách hàng)"],
    mine=r"\bcủa (?:tôi|mình|chúng tôi)\b",
)

_INDONESIAN: Final = language(
    "id",
    "Indonesian",
    override=[
        r"\b(?:abaikan|lupakan|hiraukan|jangan (?:ikuti|hiraukan|patuhi)|langgar|kesampingkan|batalkan|lewati|tinggalkan|timpa) <3>(?:instruksi~?|perintah~?|aturan~?|petunjuk~?|arahan~?|pedoman~?|prompt~?|batasan~?|panduan~?|larangan~?) <2>(?:sebelumnya|di atas|awal|sistem|kamu|anda|mu|yang (?:diberikan|sudah|telah|ada|lalu)|terdahulu|lama|asli)\b",
        r"\b(?:abaikan|lupakan|langgar) (?:semua|seluruh|segala) <2>(?:instruksi~?|perintah~?|aturan~?|petunjuk~?|arahan~?|pedoman~?|batasan~?)\b",
        r"\b(?:instruksi|perintah|tugas) baru <1>(?:adalah|anda|kamu|sebagai berikut|:)",
        r"\b(?:instruksi|perintah) baru:<3>(?:ungkapkan|katakan|tampilkan|tulis|berikan|jawab)\b",
    ],
    everything=[
        r"\b(?:lupakan|abaikan) (?:semua|segala sesuatu|semuanya|seluruh) <3>(?:di atas|sebelumnya|dikatakan|katakan|pelajari|ketahui)\b"
    ],
    extraction=[
        r"\b(?:tampilkan|tunjukkan|ungkapkan|beritahu|beri tahu|ulangi|cetak|tuliskan|tulis|bagikan|sebutkan|berikan|apa) <3>(?:prompt sistem|system prompt|pesan sistem|instruksi sistem|perintah sistem|(?:instruksi|prompt|perintah|arahan) (?:awal|asli|rahasia|tersembunyi|internal|sistem|kamu|anda|mu))\b",
        r"\b(?:ulangi|cetak|salin) <2>(?:teks|kata-kata|tulisan) di atas\b",
    ],
    freedom=[
        r"\b(?:kamu|anda|kau|jawab~?|bertindak~?|berperan~?|merespons~?) <5>(?:tanpa (?:ada )?(?:batasan|batas|filter|sensor|aturan|larangan|moral|etika)|tidak (?:memiliki|punya|ada|terikat) <1>(?:batasan|batas|filter|aturan|larangan|sensor))\b",
        r"\bmode (?:pengembang|dan|tanpa batas(?:an)?) <2>(?:aktif~?|diaktifkan|nyala)",
    ],
    reader=[
        r"\bjangan (?:beritahu|beri tahu|katakan|sebutkan|ungkapkan|informasikan|kasih tahu) <3>(?:pengguna|pembaca|pelanggan|user)\b"
    ],
    mine=r"\b(?:saya|kami|aku)\b",
)

RULES: Final[tuple[Rule, ...]] = (
    *_ARABIC,
    *_HINDI,
    *_HINGLISH,
    *_CHINESE,
    *_JAPANESE,
    *_KOREAN,
    *_VIETNAMESE,
    *_INDONESIAN,
)
