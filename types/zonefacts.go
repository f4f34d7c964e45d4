package types

// zoneNames are the names of time zones, separated by blanks; the embedded database knows each of them.
const zoneNames = "" +
	"Africa/Abidjan Africa/Accra Africa/Addis_Ababa Africa/Algiers Africa/Asmara Africa/Asmera Africa/Bamako " +
	"Africa/Bangui Africa/Banjul Africa/Bissau Africa/Blantyre Africa/Brazzaville Africa/Bujumbura Africa/Cairo " +
	"Africa/Casablanca Africa/Ceuta Africa/Conakry Africa/Dakar Africa/Dar_es_Salaam Africa/Djibouti Africa/Douala " +
	"Africa/El_Aaiun Africa/Freetown Africa/Gaborone Africa/Harare Africa/Johannesburg Africa/Juba Africa/Kampala " +
	"Africa/Khartoum Africa/Kigali Africa/Kinshasa Africa/Lagos Africa/Libreville Africa/Lome Africa/Luanda " +
	"Africa/Lubumbashi Africa/Lusaka Africa/Malabo Africa/Maputo Africa/Maseru Africa/Mbabane Africa/Mogadishu " +
	"Africa/Monrovia Africa/Nairobi Africa/Ndjamena Africa/Niamey Africa/Nouakchott Africa/Ouagadougou " +
	"Africa/Porto-Novo Africa/Sao_Tome Africa/Timbuktu Africa/Tripoli Africa/Tunis Africa/Windhoek America/Adak " +
	"America/Anchorage America/Anguilla America/Antigua America/Araguaina America/Argentina/Buenos_Aires " +
	"America/Argentina/Catamarca America/Argentina/ComodRivadavia America/Argentina/Cordoba America/Argentina/Jujuy " +
	"America/Argentina/La_Rioja America/Argentina/Mendoza America/Argentina/Rio_Gallegos America/Argentina/Salta " +
	"America/Argentina/San_Juan America/Argentina/San_Luis America/Argentina/Tucuman America/Argentina/Ushuaia " +
	"America/Aruba America/Asuncion America/Atikokan America/Atka America/Bahia America/Bahia_Banderas " +
	"America/Barbados America/Belem America/Belize America/Blanc-Sablon America/Boa_Vista America/Bogota " +
	"America/Boise America/Buenos_Aires America/Cambridge_Bay America/Campo_Grande America/Cancun America/Caracas " +
	"America/Catamarca America/Cayenne America/Cayman America/Chicago America/Chihuahua America/Ciudad_Juarez " +
	"America/Coral_Harbour America/Cordoba America/Costa_Rica America/Coyhaique America/Creston America/Cuiaba " +
	"America/Curacao America/Danmarkshavn America/Dawson America/Dawson_Creek America/Denver America/Detroit " +
	"America/Dominica America/Edmonton America/Eirunepe America/El_Salvador America/Ensenada America/Fort_Nelson " +
	"America/Fort_Wayne America/Fortaleza America/Glace_Bay America/Godthab America/Goose_Bay America/Grand_Turk " +
	"America/Grenada America/Guadeloupe America/Guatemala America/Guayaquil America/Guyana America/Halifax " +
	"America/Havana America/Hermosillo America/Indiana/Indianapolis America/Indiana/Knox America/Indiana/Marengo " +
	"America/Indiana/Petersburg America/Indiana/Tell_City America/Indiana/Vevay America/Indiana/Vincennes " +
	"America/Indiana/Winamac America/Indianapolis America/Inuvik America/Iqaluit America/Jamaica America/Jujuy " +
	"America/Juneau America/Kentucky/Louisville America/Kentucky/Monticello America/Knox_IN America/Kralendijk " +
	"America/La_Paz America/Lima America/Los_Angeles America/Louisville America/Lower_Princes America/Maceio " +
	"America/Managua America/Manaus America/Marigot America/Martinique America/Matamoros America/Mazatlan " +
	"America/Mendoza America/Menominee America/Merida America/Metlakatla America/Mexico_City America/Miquelon " +
	"America/Moncton America/Monterrey America/Montevideo America/Montreal America/Montserrat America/Nassau " +
	"America/New_York America/Nipigon America/Nome America/Noronha America/North_Dakota/Beulah " +
	"America/North_Dakota/Center America/North_Dakota/New_Salem America/Nuuk America/Ojinaga America/Panama " +
	"America/Pangnirtung America/Paramaribo America/Phoenix America/Port-au-Prince America/Port_of_Spain " +
	"America/Porto_Acre America/Porto_Velho America/Puerto_Rico America/Punta_Arenas America/Rainy_River " +
	"America/Rankin_Inlet America/Recife America/Regina America/Resolute America/Rio_Branco America/Rosario " +
	"America/Santa_Isabel America/Santarem America/Santiago America/Santo_Domingo America/Sao_Paulo " +
	"America/Scoresbysund America/Shiprock America/Sitka America/St_Barthelemy America/St_Johns America/St_Kitts " +
	"America/St_Lucia America/St_Thomas America/St_Vincent America/Swift_Current America/Tegucigalpa America/Thule " +
	"America/Thunder_Bay America/Tijuana America/Toronto America/Tortola America/Vancouver America/Virgin " +
	"America/Whitehorse America/Winnipeg America/Yakutat America/Yellowknife Antarctica/Casey Antarctica/Davis " +
	"Antarctica/DumontDUrville Antarctica/Macquarie Antarctica/Mawson Antarctica/McMurdo Antarctica/Palmer " +
	"Antarctica/Rothera Antarctica/South_Pole Antarctica/Syowa Antarctica/Troll Antarctica/Vostok " +
	"Arctic/Longyearbyen Asia/Aden Asia/Almaty Asia/Amman Asia/Anadyr Asia/Aqtau Asia/Aqtobe Asia/Ashgabat " +
	"Asia/Ashkhabad Asia/Atyrau Asia/Baghdad Asia/Bahrain Asia/Baku Asia/Bangkok Asia/Barnaul Asia/Beirut " +
	"Asia/Bishkek Asia/Brunei Asia/Calcutta Asia/Chita Asia/Choibalsan Asia/Chongqing Asia/Chungking Asia/Colombo " +
	"Asia/Dacca Asia/Damascus Asia/Dhaka Asia/Dili Asia/Dubai Asia/Dushanbe Asia/Famagusta Asia/Gaza Asia/Harbin " +
	"Asia/Hebron Asia/Ho_Chi_Minh Asia/Hong_Kong Asia/Hovd Asia/Irkutsk Asia/Istanbul Asia/Jakarta Asia/Jayapura " +
	"Asia/Jerusalem Asia/Kabul Asia/Kamchatka Asia/Karachi Asia/Kashgar Asia/Kathmandu Asia/Katmandu Asia/Khandyga " +
	"Asia/Kolkata Asia/Krasnoyarsk Asia/Kuala_Lumpur Asia/Kuching Asia/Kuwait Asia/Macao Asia/Macau Asia/Magadan " +
	"Asia/Makassar Asia/Manila Asia/Muscat Asia/Nicosia Asia/Novokuznetsk Asia/Novosibirsk Asia/Omsk Asia/Oral " +
	"Asia/Phnom_Penh Asia/Pontianak Asia/Pyongyang Asia/Qatar Asia/Qostanay Asia/Qyzylorda Asia/Rangoon Asia/Riyadh " +
	"Asia/Saigon Asia/Sakhalin Asia/Samarkand Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Srednekolymsk " +
	"Asia/Taipei Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Tel_Aviv Asia/Thimbu Asia/Thimphu Asia/Tokyo " +
	"Asia/Tomsk Asia/Ujung_Pandang Asia/Ulaanbaatar Asia/Ulan_Bator Asia/Urumqi Asia/Ust-Nera Asia/Vientiane " +
	"Asia/Vladivostok Asia/Yakutsk Asia/Yangon Asia/Yekaterinburg Asia/Yerevan Atlantic/Azores Atlantic/Bermuda " +
	"Atlantic/Canary Atlantic/Cape_Verde Atlantic/Faeroe Atlantic/Faroe Atlantic/Jan_Mayen Atlantic/Madeira " +
	"Atlantic/Reykjavik Atlantic/South_Georgia Atlantic/St_Helena Atlantic/Stanley Australia/ACT Australia/Adelaide " +
	"Australia/Brisbane Australia/Broken_Hill Australia/Canberra Australia/Currie Australia/Darwin Australia/Eucla " +
	"Australia/Hobart Australia/LHI Australia/Lindeman Australia/Lord_Howe Australia/Melbourne Australia/NSW " +
	"Australia/North Australia/Perth Australia/Queensland Australia/South Australia/Sydney Australia/Tasmania " +
	"Australia/Victoria Australia/West Australia/Yancowinna Brazil/Acre Brazil/DeNoronha Brazil/East Brazil/West " +
	"CET CST6CDT Canada/Atlantic Canada/Central Canada/Eastern Canada/Mountain Canada/Newfoundland Canada/Pacific " +
	"Canada/Saskatchewan Canada/Yukon Chile/Continental Chile/EasterIsland Cuba EET EST EST5EDT Egypt Eire Etc/GMT " +
	"Etc/GMT+0 Etc/GMT+1 Etc/GMT+10 Etc/GMT+11 Etc/GMT+12 Etc/GMT+2 Etc/GMT+3 Etc/GMT+4 Etc/GMT+5 Etc/GMT+6 " +
	"Etc/GMT+7 Etc/GMT+8 Etc/GMT+9 Etc/GMT-0 Etc/GMT-1 Etc/GMT-10 Etc/GMT-11 Etc/GMT-12 Etc/GMT-13 Etc/GMT-14 " +
	"Etc/GMT-2 Etc/GMT-3 Etc/GMT-4 Etc/GMT-5 Etc/GMT-6 Etc/GMT-7 Etc/GMT-8 Etc/GMT-9 Etc/GMT0 Etc/Greenwich Etc/UCT " +
	"Etc/UTC Etc/Universal Etc/Zulu Europe/Amsterdam Europe/Andorra Europe/Astrakhan Europe/Athens Europe/Belfast " +
	"Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Bucharest Europe/Budapest " +
	"Europe/Busingen Europe/Chisinau Europe/Copenhagen Europe/Dublin Europe/Gibraltar Europe/Guernsey " +
	"Europe/Helsinki Europe/Isle_of_Man Europe/Istanbul Europe/Jersey Europe/Kaliningrad Europe/Kiev Europe/Kirov " +
	"Europe/Kyiv Europe/Lisbon Europe/Ljubljana Europe/London Europe/Luxembourg Europe/Madrid Europe/Malta " +
	"Europe/Mariehamn Europe/Minsk Europe/Monaco Europe/Moscow Europe/Nicosia Europe/Oslo Europe/Paris " +
	"Europe/Podgorica Europe/Prague Europe/Riga Europe/Rome Europe/Samara Europe/San_Marino Europe/Sarajevo " +
	"Europe/Saratov Europe/Simferopol Europe/Skopje Europe/Sofia Europe/Stockholm Europe/Tallinn Europe/Tirane " +
	"Europe/Tiraspol Europe/Ulyanovsk Europe/Uzhgorod Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Vilnius " +
	"Europe/Volgograd Europe/Warsaw Europe/Zagreb Europe/Zaporozhye Europe/Zurich GB GB-Eire GMT GMT+0 GMT-0 GMT0 " +
	"Greenwich HST Hongkong Iceland Indian/Antananarivo Indian/Chagos Indian/Christmas Indian/Cocos Indian/Comoro " +
	"Indian/Kerguelen Indian/Mahe Indian/Maldives Indian/Mauritius Indian/Mayotte Indian/Reunion Iran Israel " +
	"Jamaica Japan Kwajalein Libya MET MST MST7MDT Mexico/BajaNorte Mexico/BajaSur Mexico/General NZ NZ-CHAT Navajo " +
	"PRC PST8PDT Pacific/Apia Pacific/Auckland Pacific/Bougainville Pacific/Chatham Pacific/Chuuk Pacific/Easter " +
	"Pacific/Efate Pacific/Enderbury Pacific/Fakaofo Pacific/Fiji Pacific/Funafuti Pacific/Galapagos " +
	"Pacific/Gambier Pacific/Guadalcanal Pacific/Guam Pacific/Honolulu Pacific/Johnston Pacific/Kanton " +
	"Pacific/Kiritimati Pacific/Kosrae Pacific/Kwajalein Pacific/Majuro Pacific/Marquesas Pacific/Midway " +
	"Pacific/Nauru Pacific/Niue Pacific/Norfolk Pacific/Noumea Pacific/Pago_Pago Pacific/Palau Pacific/Pitcairn " +
	"Pacific/Pohnpei Pacific/Ponape Pacific/Port_Moresby Pacific/Rarotonga Pacific/Saipan Pacific/Samoa " +
	"Pacific/Tahiti Pacific/Tarawa Pacific/Tongatapu Pacific/Truk Pacific/Wake Pacific/Wallis Pacific/Yap Poland " +
	"Portugal ROC ROK Singapore Turkey UCT US/Alaska US/Aleutian US/Arizona US/Central US/East-Indiana US/Eastern " +
	"US/Hawaii US/Indiana-Starke US/Michigan US/Mountain US/Pacific US/Samoa UTC Universal W-SU WET Zulu"

// ZoneAbbrev is an abbreviation of a time zone that input accepts: its offset in seconds east of UTC.
type ZoneAbbrev struct {
	Name   string
	Offset int32
	IsDST  bool
}

// zoneAbbrevs are PostgreSQL's default abbreviations, in order of their names.
var zoneAbbrevs = [...]ZoneAbbrev{
	{"ACDT", 37800, true},
	{"ACSST", 37800, true},
	{"ACST", 34200, false},
	{"ACT", -18000, false},
	{"ACWST", 31500, false},
	{"ADT", -10800, true},
	{"AEDT", 39600, true},
	{"AESST", 39600, true},
	{"AEST", 36000, false},
	{"AFT", 16200, false},
	{"AKDT", -28800, true},
	{"AKST", -32400, false},
	{"ALMST", 25200, true},
	{"ALMT", 21600, false},
	{"AMST", 14400, false},
	{"AMT", -14400, false},
	{"ANAST", 43200, false},
	{"ANAT", 43200, false},
	{"ARST", -10800, false},
	{"ART", -10800, false},
	{"AST", -14400, false},
	{"AWSST", 32400, true},
	{"AWST", 28800, false},
	{"AZOST", 0, true},
	{"AZOT", -3600, false},
	{"AZST", 14400, false},
	{"AZT", 14400, false},
	{"BDST", 7200, true},
	{"BDT", 21600, false},
	{"BNT", 28800, false},
	{"BORT", 28800, false},
	{"BOT", -14400, false},
	{"BRA", -10800, false},
	{"BRST", -7200, true},
	{"BRT", -10800, false},
	{"BST", 3600, true},
	{"BTT", 21600, false},
	{"CADT", 37800, true},
	{"CAST", 34200, false},
	{"CCT", 28800, false},
	{"CDT", -18000, true},
	{"CEST", 7200, true},
	{"CET", 3600, false},
	{"CETDST", 7200, true},
	{"CHADT", 49500, true},
	{"CHAST", 45900, false},
	{"CHUT", 36000, false},
	{"CKT", -36000, false},
	{"CLST", -10800, true},
	{"CLT", -10800, true},
	{"COT", -18000, false},
	{"CST", -21600, false},
	{"CXT", 25200, false},
	{"DAVT", 25200, false},
	{"DDUT", 36000, false},
	{"EASST", -18000, true},
	{"EAST", -18000, true},
	{"EAT", 10800, false},
	{"EDT", -14400, true},
	{"EEST", 10800, true},
	{"EET", 7200, false},
	{"EETDST", 10800, true},
	{"EGST", 0, true},
	{"EGT", -3600, false},
	{"EST", -18000, false},
	{"FET", 10800, false},
	{"FJST", 46800, true},
	{"FJT", 43200, false},
	{"FKST", -10800, false},
	{"FKT", -10800, false},
	{"FNST", -3600, true},
	{"FNT", -7200, false},
	{"GALT", -21600, false},
	{"GAMT", -32400, false},
	{"GEST", 14400, false},
	{"GET", 14400, false},
	{"GFT", -10800, false},
	{"GILT", 43200, false},
	{"GMT", 0, false},
	{"GYT", -14400, false},
	{"HKT", 28800, false},
	{"HST", -36000, false},
	{"ICT", 25200, false},
	{"IDT", 10800, true},
	{"IOT", 21600, false},
	{"IRKST", 28800, false},
	{"IRKT", 28800, false},
	{"IRT", 12600, false},
	{"IST", 7200, false},
	{"JAYT", 32400, false},
	{"JST", 32400, false},
	{"KDT", 36000, true},
	{"KGST", 21600, true},
	{"KGT", 21600, false},
	{"KOST", 39600, false},
	{"KRAST", 25200, false},
	{"KRAT", 25200, false},
	{"KST", 32400, false},
	{"LHDT", 39600, true},
	{"LHST", 37800, false},
	{"LIGT", 36000, false},
	{"LINT", 50400, false},
	{"LKT", 19800, false},
	{"MAGST", 39600, false},
	{"MAGT", 39600, false},
	{"MART", -34200, false},
	{"MAWT", 18000, false},
	{"MDT", -21600, true},
	{"MEST", 7200, true},
	{"MESZ", 7200, true},
	{"MET", 3600, false},
	{"METDST", 7200, true},
	{"MEZ", 3600, false},
	{"MHT", 43200, false},
	{"MMT", 23400, false},
	{"MPT", 36000, false},
	{"MSD", 14400, true},
	{"MSK", 10800, false},
	{"MST", -25200, false},
	{"MUST", 18000, true},
	{"MUT", 14400, false},
	{"MVT", 18000, false},
	{"MYT", 28800, false},
	{"NDT", -9000, true},
	{"NFT", -12600, false},
	{"NOVST", 25200, false},
	{"NOVT", 25200, false},
	{"NPT", 20700, false},
	{"NST", -12600, false},
	{"NUT", -39600, false},
	{"NZDT", 46800, true},
	{"NZST", 43200, false},
	{"NZT", 43200, false},
	{"OMSST", 21600, false},
	{"OMST", 21600, false},
	{"PDT", -25200, true},
	{"PET", -18000, false},
	{"PETST", 43200, false},
	{"PETT", 43200, false},
	{"PGT", 36000, false},
	{"PHT", 28800, false},
	{"PKST", 21600, true},
	{"PKT", 18000, false},
	{"PMDT", -7200, true},
	{"PMST", -10800, false},
	{"PONT", 39600, false},
	{"PST", -28800, false},
	{"PWT", 32400, false},
	{"PYST", -10800, true},
	{"PYT", -10800, false},
	{"RET", 14400, false},
	{"SADT", 37800, true},
	{"SAST", 7200, false},
	{"SCT", 14400, false},
	{"SGT", 28800, false},
	{"TAHT", -36000, false},
	{"TFT", 18000, false},
	{"TJT", 18000, false},
	{"TKT", 46800, false},
	{"TMT", 18000, false},
	{"TOT", 46800, false},
	{"TRUT", 36000, false},
	{"TVT", 43200, false},
	{"UCT", 0, false},
	{"ULAST", 32400, true},
	{"ULAT", 28800, false},
	{"UT", 0, false},
	{"UTC", 0, false},
	{"UYST", -7200, true},
	{"UYT", -10800, false},
	{"UZST", 21600, true},
	{"UZT", 18000, false},
	{"VET", -14400, false},
	{"VLAST", 36000, false},
	{"VLAT", 36000, false},
	{"VOLT", 10800, false},
	{"VUT", 39600, false},
	{"WADT", 28800, true},
	{"WAKT", 43200, false},
	{"WAST", 25200, false},
	{"WAT", 3600, false},
	{"WDT", 32400, true},
	{"WET", 0, false},
	{"WETDST", 3600, true},
	{"WFT", 43200, false},
	{"WGST", -7200, true},
	{"WGT", -10800, false},
	{"XJT", 21600, false},
	{"YAKST", 32400, false},
	{"YAKT", 32400, false},
	{"YAPT", 36000, false},
	{"YEKST", 21600, true},
	{"YEKT", 18000, false},
	{"Z", 0, false},
	{"ZULU", 0, false},
}
