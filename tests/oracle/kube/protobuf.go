package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

var protobufObjects = []string{
	`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"a":"b"},"creationTimestamp":"2024-01-02T03:04:05Z"},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}],
"resources":{"limits":{"cpu":"1","memory":"1Gi"}},"livenessProbe":{"httpGet":{"port":"web","path":"/x"},"periodSeconds":3},"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}],
"volumes":[{"name":"v","configMap":{"name":"x","items":[{"key":"k","path":"p"}]}},{"name":"e","emptyDir":{}}],"terminationGracePeriodSeconds":0,"priority":-5}}`,
	`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"AAEC/w=="},"type":"Opaque"}`,
	`{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":80,"targetPort":"x"},{"port":81,"targetPort":82}]}}`,
	`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":0,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{},"spec":{"containers":[]}},"strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":0}}}}`,
	`{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"u","extra":{"k":["v","w"]}}}`,
	`{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":3,"scaleTargetRef":{"kind":"X","name":"y"},"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]}}`,
	`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l","managedFields":[{"manager":"m","operation":"Update","fieldsV1":{"f:spec":{}}}]},"spec":{"renewTime":"2024-01-02T03:04:05.000006Z"}}`,
	`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"template":{"spec":{"containers":[{"name":"c"}],"restartPolicy":"Never"}},"backoffLimit":0}}`,
}

func protobufs() {
	var rows []row
	p := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	for _, text := range protobufObjects {
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(text), nil, nil)
		if err != nil {
			panic(err)
		}
		var b bytes.Buffer
		if err := p.Encode(obj, &b); err != nil {
			panic(err)
		}
		j, err := json.Marshal(obj.(runtime.Object))
		if err != nil {
			panic(err)
		}
		rows = append(rows, row{"protobuf": base64.StdEncoding.EncodeToString(b.Bytes()), "json": raw(j)})
	}
	write("protobuf.jsonl", rows)
}
