/** What surrounds the text on every page of a site, in the site's language: none of it belongs to the document. */
export interface Chrome {
  menu: string[];
  cookies: string;
  accept: string;
  related: string;
  comments: string;
  newsletter: string;
  share: string;
  rights: string;
  by: string;
}

const rows: Record<string, string> = {
  en: 'Home|News|Archive|About us|Contact|Log in;We and our partners use cookies to store information on a device and to show you advertising that matches your interests.;Accept all;You may also like;Comments;Sign up for our newsletter and never miss a story;Share this page;All rights reserved. Privacy policy and terms of use;By',
  de: 'Start|Aktuelles|Archiv|Über uns|Kontakt|Anmelden;Wir und unsere Partner verwenden Cookies, um Ihnen passende Werbung zu zeigen und die Nutzung der Seite zu messen.;Alle akzeptieren;Das könnte Sie auch interessieren;Kommentare;Jetzt den Newsletter bestellen;Seite teilen;Alle Rechte vorbehalten. Impressum und Datenschutz;Von',
  fr: 'Accueil|Actualités|Archives|À propos|Contact|Connexion;Nous et nos partenaires utilisons des cookies pour mesurer l’audience et vous proposer des publicités adaptées.;Tout accepter;À lire aussi;Commentaires;Recevez notre lettre d’information;Partager cette page;Tous droits réservés. Mentions légales et confidentialité;Par',
  es: 'Inicio|Noticias|Archivo|Quiénes somos|Contacto|Entrar;Nosotros y nuestros socios usamos cookies para medir la audiencia y mostrarle publicidad de su interés.;Aceptar todo;También le puede interesar;Comentarios;Suscríbase a nuestro boletín;Compartir esta página;Todos los derechos reservados. Aviso legal y privacidad;Por',
  it: 'Home|Notizie|Archivio|Chi siamo|Contatti|Accedi;Noi e i nostri partner utilizziamo i cookie per misurare il traffico e mostrare pubblicità in linea con i tuoi interessi.;Accetta tutto;Leggi anche;Commenti;Iscriviti alla nostra newsletter;Condividi questa pagina;Tutti i diritti riservati. Note legali e privacy;Di',
  pt: 'Início|Notícias|Arquivo|Sobre nós|Contacto|Entrar;Nós e os nossos parceiros usamos cookies para medir a audiência e mostrar publicidade do seu interesse.;Aceitar tudo;Leia também;Comentários;Assine o nosso boletim;Partilhar esta página;Todos os direitos reservados. Termos e privacidade;Por',
  nl: 'Home|Nieuws|Archief|Over ons|Contact|Inloggen;Wij en onze partners gebruiken cookies om het bezoek te meten en advertenties te tonen die bij u passen.;Alles accepteren;Lees ook;Reacties;Meld u aan voor de nieuwsbrief;Deel deze pagina;Alle rechten voorbehouden. Privacy en voorwaarden;Door',
  pl: 'Strona główna|Aktualności|Archiwum|O nas|Kontakt|Zaloguj;My i nasi partnerzy używamy plików cookie, aby mierzyć ruch i wyświetlać dopasowane reklamy.;Akceptuję wszystko;Zobacz także;Komentarze;Zapisz się do naszego biuletynu;Udostępnij tę stronę;Wszelkie prawa zastrzeżone. Regulamin i prywatność;Autor',
  ru: 'Главная|Новости|Архив|О нас|Контакты|Войти;Мы и наши партнёры используем файлы cookie, чтобы измерять посещаемость и показывать подходящую рекламу.;Принять все;Читайте также;Комментарии;Подпишитесь на нашу рассылку;Поделиться страницей;Все права защищены. Политика конфиденциальности;Автор',
  ja: 'ホーム|ニュース|過去の記事|このサイトについて|お問い合わせ|ログイン;当サイトでは利便性の向上と広告の表示のためにクッキーを使用しています。;同意する;関連記事;コメント;メールマガジンに登録する;このページを共有;無断転載を禁じます。個人情報の取り扱いについて;文',
  zh: '首页|新闻|文章归档|关于我们|联系方式|登录;我们和合作伙伴使用浏览器缓存来统计访问量并展示您感兴趣的广告。;全部接受;相关文章;评论;订阅我们的邮件;分享本页;版权所有，未经许可不得转载。隐私政策;作者',
  sv: 'Hem|Nyheter|Arkiv|Om oss|Kontakt|Logga in;Vi och våra partner använder kakor för att mäta besök och visa reklam som passar dig.;Godkänn alla;Läs också;Kommentarer;Prenumerera på vårt nyhetsbrev;Dela sidan;Alla rättigheter förbehållna. Integritetspolicy;Av',
  tr: 'Ana sayfa|Haberler|Arşiv|Hakkımızda|İletişim|Giriş;Biz ve ortaklarımız ziyaretleri ölçmek ve size uygun reklamlar göstermek için çerez kullanıyoruz.;Hepsini kabul et;Bunlar da ilginizi çekebilir;Yorumlar;Bültenimize abone olun;Bu sayfayı paylaş;Tüm hakları saklıdır. Gizlilik politikası;Yazan',
  ar: 'الرئيسية|الأخبار|الأرشيف|من نحن|اتصل بنا|تسجيل الدخول;نستخدم نحن وشركاؤنا ملفات تعريف الارتباط لقياس الزيارات وعرض إعلانات تناسبك.;قبول الكل;اقرأ أيضا;التعليقات;اشترك في نشرتنا البريدية;شارك هذه الصفحة;جميع الحقوق محفوظة. سياسة الخصوصية;بقلم',
  hi: 'मुखपृष्ठ|समाचार|संग्रह|हमारे बारे में|संपर्क|लॉग इन;हम और हमारे साझेदार विज़िट मापने और आपके लिए उपयुक्त विज्ञापन दिखाने के लिए कुकी का उपयोग करते हैं।;सब स्वीकार करें;यह भी पढ़ें;टिप्पणियाँ;हमारा समाचार पत्र पाएँ;यह पृष्ठ साझा करें;सर्वाधिकार सुरक्षित। गोपनीयता नीति;लेखक',
  el: 'Αρχική|Νέα|Αρχείο|Σχετικά|Επικοινωνία|Σύνδεση;Εμείς και οι συνεργάτες μας χρησιμοποιούμε cookies για να μετράμε τις επισκέψεις και να δείχνουμε διαφημίσεις.;Αποδοχή όλων;Διαβάστε επίσης;Σχόλια;Γραφτείτε στο ενημερωτικό μας δελτίο;Κοινοποίηση;Με επιφύλαξη παντός δικαιώματος. Πολιτική απορρήτου;Από',
};

export function chromeOf(language: string): Chrome {
  const [
    menu = '',
    cookies = '',
    accept = '',
    related = '',
    comments = '',
    newsletter = '',
    share = '',
    rights = '',
    by = '',
  ] = (rows[language] ?? rows.en!).split(';');
  return { menu: menu.split('|'), cookies, accept, related, comments, newsletter, share, rights, by };
}

/** Short remarks below an article: real pages have them, and extraction should leave them out. */
export const remarks: Record<string, string[]> = {
  en: [
    'Lovely piece, thank you.',
    'My grandfather used to tell it differently.',
    'First!',
    'Could you add a photograph?',
    'I tried this last week and it worked.',
  ],
  de: ['Sehr schön geschrieben, danke.', 'Das kenne ich von früher noch ganz anders.', 'Gibt es dazu auch Bilder?'],
  fr: ['Merci pour ce bel article.', 'Chez nous, on faisait autrement.', 'Une photo, s’il vous plaît ?'],
  es: ['Qué bonito, gracias.', 'En mi pueblo se hacía de otra manera.', '¿Hay fotos?'],
  it: ['Bellissimo, grazie.', 'Da noi si faceva in un altro modo.'],
  pt: ['Muito bonito, obrigado.', 'Na minha terra era diferente.'],
  nl: ['Mooi stuk, bedankt.', 'Bij ons ging dat heel anders.'],
  pl: ['Piękny tekst, dziękuję.', 'U nas robiło się to inaczej.'],
  ru: ['Спасибо, очень интересно.', 'У нас было немного по-другому.'],
  ja: ['とても面白かったです。', '写真も見てみたいです。'],
  zh: ['写得真好，谢谢。', '可以加几张照片吗？'],
};
