package corpus

// urlKinds have the secret in a URL or a connection string.
var urlKinds = []kind{
	{"postgres", []string{
		"DATABASE_URL=postgres://«user»:«!pwurl»@«host»:5432/«db»?sslmode=require", "psql \"postgresql://«user»:«!pwurl»@«ip»/«db»\"",
		"host=«host» port=5432 user=«user» password=«!pwsh» dbname=«db» sslmode=disable",
	}},
	{"mysql", []string{"mysql://«user»:«!pwurl»@«host»:3306/«db»", "dsn := \"«user»:«!b62:14»@tcp(«ip»:3306)/«db»?parseTime=true\"", "engine = create_engine('mysql+pymysql://«user»:«!pwurl»@«host»/«db»')"}},
	{"mongodb", []string{"mongodb+srv://«user»:«!pwurl»@cluster0.«b32l:5».mongodb.net/«db»?retryWrites=true", "MONGO_URI: \"mongodb://«user»:«!pwurl»@«ip»:27017,«ip»:27017/«db»?replicaSet=rs0\""}},
	{"redis", []string{"redis://:«!pwurl»@«host»:6379/0", "REDIS_URL=rediss://default:«!pwurl»@«host»:«port»", "redis-cli -u redis://default:«!pwurl»@«ip»:6379 ping"}},
	{"amqp", []string{"amqp://«user»:«!pwurl»@«host»:5672/%2Fvhost", "broker_url = 'amqps://«user»:«!pwurl»@«host»/«db»'"}},
	{"https-basic", []string{"https://«user»:«!pwurl»@«host»/artifacts/app.tar.gz", "pip install --index-url https://«user»:«!pwurl»@pypi.«word».io/simple pkg", "http_proxy=http://«user»:«!pwurl»@«ip»:3128"}},
	{"git-remote", []string{
		"origin\thttps://oauth2:«!b62:26»@gitlab.«word».io/team/app.git (fetch)", "git clone https://x-access-token:ghs_«!b62:36»@github.com/org/repo.git",
		"git remote set-url origin https://«!b62:40»@git.«word».io/team/app.git", "url = https://«user»:«!pwurl»@bitbucket.org/team/app.git",
	}},
	{"jdbc", []string{
		"jdbc:postgresql://«host»:5432/«db»?user=«user»&password=«!b62:14»", "jdbc:sqlserver://«host»:1433;databaseName=«db»;user=sa;password=«!pwsh»;encrypt=true",
		"jdbc:oracle:thin:«user»/«!b62:12»@«host»:1521:ORCL", "jdbc:mysql://«host»/«db»?user=«user»&password=«!b62:14»&useSSL=false",
	}},
	{"ado-net", []string{
		"Server=«host»;Database=«db»;User Id=sa;Password=«!pw»;Encrypt=True;", "\"ConnectionStrings\": {\"Default\": \"Data Source=«ip»;Initial Catalog=«db»;User ID=«user»;Pwd=«!pwsh»\"}",
		"Host=«host»;Username=«user»;Password=«!pwsh»;Database=«db»",
	}},
	{"odbc", []string{"DRIVER={ODBC Driver 18 for SQL Server};SERVER=«host»;UID=sa;PWD=«!pwsh»;", "Driver={PostgreSQL Unicode};Server=«ip»;Uid=«user»;Pwd={«!pwsh»};"}},
	{"azure-connection", []string{
		"DefaultEndpointsProtocol=https;AccountName=«word»;AccountKey=«!b64:86»==;EndpointSuffix=core.windows.net",
		"Endpoint=sb://«word».servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=«!b64:43»=",
		"HostName=«word».azure-devices.net;DeviceId=dev1;SharedAccessKey=«!b64:43»=", "AccountEndpoint=https://«word».documents.azure.com:443/;AccountKey=«!b64:86»==;",
	}},
	{"sas", []string{"https://«word».blob.core.windows.net/data/f.csv?sv=2024-11-04&se=2026-12-31T00%3A00%3A00Z&sr=b&sp=r&sig=«!b62:43»%3D"}},
	{"presigned", []string{
		"https://b.s3.amazonaws.com/f?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261101T000000Z&X-Amz-Expires=900&X-Amz-Signature=«!hex:64»",
		"https://storage.googleapis.com/b/f?X-Goog-Expires=600&X-Goog-Signature=«!hex:128»",
	}},
	{"smtp-ftp", []string{"smtp://«user»:«!pwurl»@mail.«word».io:587", "EMAIL_URL=smtps://«user»%40«word».io:«!pwurl»@smtp.«word».io:465", "lftp ftp://«user»:«!pwurl»@«host»/pub", "sftp://«user»:«!pwurl»@«ip»:22/in"}},
	{"other-scheme", []string{
		"cloudinary://«dig:15»:«!b64u:27»@«word»", "nats://«user»:«!pwurl»@«host»:4222", "ldap://cn=admin:«!pwurl»@«host»", "clickhouse://default:«!pwurl»@«host»:9440/«db»?secure=true",
		"kafka+ssl://«user»:«!pwurl»@«host»:9093", "rtsp://«user»:«!pwurl»@«ip»:554/stream1", "snowflake://«user»:«!pwurl»@acc.eu-1/«db»/public?warehouse=wh", "elasticsearch: https://elastic:«!pwurl»@«host»:9200",
	}},
	{"url-in-json", []string{`{"dsn": "postgres://«user»:«!pwurl»@«host»/«db»", "pool": 4}`, `{"proxy":"http:\/\/«user»:«!b62:12»@«host»:8080","n":2}`}},
}
